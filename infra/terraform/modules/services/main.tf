# APIs of one project. Others wait for `project`, so nothing asks an API that is not there yet.

variable "project" {
  description = "The project."
  type        = string
}

variable "apis" {
  description = "Short names of the APIs that the module around it needs."
  type        = set(string)
}

resource "google_project_service" "api" {
  for_each = setunion(var.apis, ["cloudresourcemanager", "iam", "serviceusage"])

  project = var.project
  service = "${each.value}.googleapis.com"
  # Taking an API away would take what others made with it.
  disable_on_destroy = false
}

output "project" {
  description = "The project, once its APIs are on."
  value       = var.project
  depends_on  = [google_project_service.api]
}
