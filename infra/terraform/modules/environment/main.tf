# One environment: its project, its secrets, and, where it serves, its machine, database and alerts.

module "services" {
  source = "../services"

  project = var.project
  apis = [
    "compute", "iap", "logging", "monitoring", "oslogin", "secretmanager", "sqladmin",
  ]
}

module "secrets" {
  source = "../secrets"

  project = module.services.project
  names   = var.secrets
  readers = { deploy = var.deploy_account }
}

module "budget" {
  source    = "../budget"
  providers = { google = google.billing }

  project         = module.services.project
  billing_account = var.billing_account
  monthly_usd     = var.monthly_usd
}

module "host" {
  source = "../host"
  count  = var.serves ? 1 : 0

  name           = var.name
  project        = module.services.project
  region         = var.region
  zone           = var.zone
  machine_type   = "e2-custom-2-6144"
  disk_gb        = 50
  directory      = var.directory
  deploy_login   = var.deploy_login
  startup_script = var.startup_script
  account_id     = "trovella-vm-${var.name}"
  # No right on secrets: the worker reads them and brings each release its own.
  roles = ["roles/cloudsql.client", "roles/logging.logWriter", "roles/monitoring.metricWriter"]
}

module "database" {
  source = "../database"
  count  = var.serves ? 1 : 0

  project = module.services.project
  region  = var.region
  name    = var.database
}

module "monitoring" {
  source = "../monitoring"
  count  = var.serves ? 1 : 0

  project     = module.services.project
  email       = var.alert_email
  instance_id = module.host[0].instance_id
  health      = var.health
}

# For people on the host: a release pulls with a token that the worker brings.
resource "google_artifact_registry_repository_iam_member" "pull" {
  count = var.serves ? 1 : 0

  project    = var.repository.project
  location   = var.repository.location
  repository = var.repository.name
  role       = "roles/artifactregistry.reader"
  member     = module.host[0].account
}
