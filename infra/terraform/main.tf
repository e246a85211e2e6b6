# One root for all projects: what one needs of another is a reference, so Terraform knows the order (shared, operations,
# environments) and nobody has to.

locals {
  # Written by `.venv/bin/python -m infra.terraform` from deployments/production.toml; a test keeps them equal.
  facts          = jsondecode(file("${path.module}/generated/production.json"))
  startup_script = file("${path.module}/generated/startup.sh")
}

# Project and bucket: without the project the provider imports an empty one, and wants to make the bucket anew
# (github.com/hashicorp/terraform-provider-google/issues/22608).
import {
  to = module.shared.google_storage_bucket.state
  id = "trovella-shared/trovella-terraform-state"
}

module "shared" {
  source = "./modules/shared"

  project           = var.shared_project
  region            = var.region
  github_repository = local.facts.github_repository
  branch            = local.facts.branch
  image             = local.facts.image
  label             = local.facts.label
}

module "shared_budget" {
  source    = "./modules/budget"
  providers = { google = google.billing }

  project         = module.shared.project
  billing_account = var.billing_account
  monthly_usd     = 80 # the operations machine, and images
}

module "operations" {
  source = "./modules/operations"

  project        = module.shared.project
  region         = var.region
  zone           = var.zone
  alert_email    = var.alert_email
  startup_script = local.startup_script
  repository     = module.shared.repository
  ci_account     = module.shared.ci_account
}

module "production" {
  source    = "./modules/environment"
  providers = { google = google, google.billing = google.billing }

  name            = "prod"
  project         = var.production_project
  serves          = true
  region          = var.region
  zone            = var.zone
  directory       = local.facts.directory
  database        = local.facts.database_instance
  secrets         = local.facts.secrets
  health          = local.facts.health
  startup_script  = local.startup_script
  deploy_login    = module.operations.login
  deploy_account  = module.operations.account
  repository      = module.shared.repository
  alert_email     = var.alert_email
  billing_account = var.billing_account
  monthly_usd     = 50
}

module "staging" {
  source    = "./modules/environment"
  providers = { google = google, google.billing = google.billing }

  name            = "staging"
  project         = var.staging_project
  serves          = var.staging_serves
  region          = var.region
  zone            = var.zone
  directory       = local.facts.directory
  database        = local.facts.database_instance
  secrets         = local.facts.secrets
  health          = merge(local.facts.health, { host = var.staging_host })
  startup_script  = local.startup_script
  deploy_login    = module.operations.login
  deploy_account  = module.operations.account
  repository      = module.shared.repository
  alert_email     = var.alert_email
  billing_account = var.billing_account
  monthly_usd     = 20
}
