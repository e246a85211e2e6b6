# What the account that deploys may do here: reach this one machine, reach the database, ask for backups, read alerts.

resource "google_iap_tunnel_instance_iam_member" "deploy" {
  count = var.serves ? 1 : 0

  project  = module.services.project
  zone     = var.zone
  instance = module.host[0].instance
  role     = "roles/iap.tunnelResourceAccessor"
  member   = var.deploy_account
}

resource "google_compute_instance_iam_member" "deploy" {
  count = var.serves ? 1 : 0

  project       = module.services.project
  zone          = var.zone
  instance_name = module.host[0].instance
  role          = "roles/compute.osAdminLogin"
  member        = var.deploy_account
}

# The SSH host key that the machine told Google: nobody on the way to it can put another in its place.
resource "google_project_iam_custom_role" "host_key" {
  count = var.serves ? 1 : 0

  project     = module.services.project
  role_id     = "trovellaHostKey"
  title       = "Trovella: read the host key that a machine told"
  permissions = ["compute.instances.getGuestAttributes"]
}

resource "google_compute_instance_iam_member" "host_key" {
  count = var.serves ? 1 : 0

  project       = module.services.project
  zone          = var.zone
  instance_name = module.host[0].instance
  role          = google_project_iam_custom_role.host_key[0].id
  member        = var.deploy_account
}

# OS Login asks for it on machines that have an account of their own.
resource "google_service_account_iam_member" "deploy" {
  count = var.serves ? 1 : 0

  service_account_id = module.host[0].account_name
  role               = "roles/iam.serviceAccountUser"
  member             = var.deploy_account
}

resource "google_project_iam_member" "deploy" {
  for_each = var.serves ? toset(["roles/cloudsql.client", "roles/monitoring.viewer"]) : toset([])

  project = module.services.project
  role    = each.value
  member  = var.deploy_account
}

# Google's own roles that may make a backup may restore and delete one, too.
resource "google_project_iam_custom_role" "backup" {
  count = var.serves ? 1 : 0

  project     = module.services.project
  role_id     = "trovellaBackup"
  title       = "Trovella: make a backup before a migration"
  permissions = ["cloudsql.backupRuns.create", "cloudsql.instances.get"]
}

resource "google_project_iam_member" "backup" {
  count = var.serves ? 1 : 0

  project = module.services.project
  role    = google_project_iam_custom_role.backup[0].id
  member  = var.deploy_account
}
