output "project" {
  description = "The project, once its APIs are on."
  value       = module.services.project
}

output "repository" {
  description = "Where images are pushed to: project, location and name."
  value = {
    project  = google_artifact_registry_repository.images.project
    location = google_artifact_registry_repository.images.location
    name     = google_artifact_registry_repository.images.repository_id
  }
}

output "wif_provider" {
  description = "Full name of the provider that GitHub's workflows name."
  value       = google_iam_workload_identity_pool_provider.github.name
}

output "ci_account" {
  description = "Address of the account that GitHub's workflows become."
  value       = google_service_account.ci.email
}
