# The machine that Prefect's server and worker run on. Its account is the one that deploys: what it may do in an environment
# stands in modules/environment, what it may do here stands below.

module "host" {
  source = "../host"

  name           = "operations"
  project        = var.project
  region         = var.region
  zone           = var.zone
  machine_type   = "e2-standard-2"
  disk_gb        = 100 # it builds images
  directory      = "/opt/trovella-deploy"
  deploy_login   = "root" # people look after it, through sudo
  startup_script = var.startup_script
  account_id     = "trovella-operations"
  roles          = ["roles/logging.logWriter", "roles/monitoring.metricWriter"]
}

resource "google_artifact_registry_repository_iam_member" "push" {
  project    = var.repository.project
  location   = var.repository.location
  repository = var.repository.name
  role       = "roles/artifactregistry.writer"
  member     = module.host.account
}

# The login of Prefect's server, as user:password. GitHub's workflows read it to start a run. They may do nothing else in
# Google Cloud by themselves; but whoever has this login starts any run, and reads the blocks with their keys.
module "secrets" {
  source = "../secrets"

  project = var.project
  names   = ["trovella-prefect-auth"]
  readers = {
    operations = module.host.account
    ci         = "serviceAccount:${var.ci_account}"
  }
}

# A full disk here stops deploys, not the site.
module "monitoring" {
  source = "../monitoring"

  project     = var.project
  email       = var.alert_email
  instance_id = module.host.instance_id
}
