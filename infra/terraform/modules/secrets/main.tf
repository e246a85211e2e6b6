# Empty shells: people give the values (docs/infrastructure.md), so that none is in the code or in the state.

variable "project" {
  description = "The project."
  type        = string
}

variable "names" {
  description = "Names of the secrets."
  type        = set(string)
}

variable "readers" {
  description = "Who reads them, by a name that is known before anything is made: IAM members."
  type        = map(string)
}

locals {
  # Versions are listed before they are read: a disabled one is told from a missing one.
  roles = toset(["roles/secretmanager.secretAccessor", "roles/secretmanager.viewer"])
  grants = {
    for grant in setproduct(var.names, keys(var.readers), local.roles) :
    join(" ", grant) => { secret = grant[0], reader = grant[1], role = grant[2] }
  }
}

resource "google_secret_manager_secret" "shell" {
  for_each = var.names

  project   = var.project
  secret_id = each.value

  replication {
    auto {}
  }

  lifecycle {
    prevent_destroy = true
  }
}

# On each secret, not on the project: a secret of another purpose is not read along.
resource "google_secret_manager_secret_iam_member" "reader" {
  for_each = local.grants

  project   = var.project
  secret_id = google_secret_manager_secret.shell[each.value.secret].secret_id
  role      = each.value.role
  member    = var.readers[each.value.reader]
}

output "ids" {
  description = "Full names of the secrets, by their short ones."
  value       = { for name, secret in google_secret_manager_secret.shell : name => secret.id }
}
