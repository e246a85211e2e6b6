# What serves every environment. It is a project of its own so that whoever takes over the pipeline cannot change the
# pipeline's rights.

module "services" {
  source = "../services"

  project = var.project
  apis = [
    "artifactregistry", "billingbudgets", "cloudbilling", "compute", "iamcredentials", "iap", "logging", "monitoring",
    "oslogin", "secretmanager", "sqladmin", "storage", "sts",
  ]
}

resource "google_storage_bucket" "state" {
  project                     = module.services.project
  name                        = "trovella-terraform-state"
  location                    = upper(var.region)
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      num_newer_versions = 50
    }
    action {
      type = "Delete"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_artifact_registry_repository" "images" {
  project       = module.services.project
  location      = var.region
  repository_id = "trovella"
  description   = "Images of the application, by commit; `${var.label}` is the newest that passed verify."
  format        = "DOCKER"

  # What a KEEP names stays, whatever a DELETE says of it. A host keeps the images of its retained releases itself;
  # these are for a host that is made anew, and for a rollback beyond them. What has no tag is part of an image that has
  # one, so nothing is deleted for want of a tag.
  cleanup_policy_dry_run = false

  cleanup_policies {
    id     = "keep-what-the-ledger-may-name"
    action = "KEEP"

    most_recent_versions {
      package_name_prefixes = [var.image]
      keep_count            = 100
    }
  }

  cleanup_policies {
    id     = "keep-what-was-verified-last"
    action = "KEEP"

    condition {
      tag_state    = "TAGGED"
      tag_prefixes = [var.label]
    }
  }

  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"

    condition {
      tag_state  = "ANY"
      older_than = "180d"
    }
  }
}

resource "google_iam_workload_identity_pool" "github" {
  project                   = module.services.project
  workload_identity_pool_id = "github-actions"
  display_name              = "GitHub Actions"
}

# Both are asked for: with the repository alone, a workflow on any branch, of anyone who may push one, has these rights.
resource "google_iam_workload_identity_pool_provider" "github" {
  project                            = module.services.project
  workload_identity_pool_id          = google_iam_workload_identity_pool.github.workload_identity_pool_id
  workload_identity_pool_provider_id = "github-oidc"
  display_name                       = "GitHub's tokens"

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.actor"      = "assertion.actor"
    "attribute.repository" = "assertion.repository"
    "attribute.ref"        = "assertion.ref"
  }

  attribute_condition = "assertion.repository == '${var.github_repository}' && assertion.ref == 'refs/heads/${var.branch}'"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

# Its one right at Google, on the login of Prefect's server, is in modules/operations. That login starts any run and reads any
# block with its keys: whoever becomes this account controls production.
resource "google_service_account" "ci" {
  project      = module.services.project
  account_id   = "github-actions-ci"
  display_name = "GitHub Actions: starts deploys"
}

resource "google_service_account_iam_member" "github" {
  service_account_id = google_service_account.ci.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github.name}/attribute.repository/${var.github_repository}"
}
