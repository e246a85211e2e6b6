terraform {
  required_version = ">= 1.5"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.0"
    }
  }

  # Made by hand, once, because the state of everything else lies in it; adopted below (docs/infrastructure.md).
  backend "gcs" {
    bucket = "trovella-terraform-state"
    prefix = "trovella"
  }
}

# Every resource names its project itself, so that none lands in the one that a shell happens to have set.
provider "google" {
  region = var.region
}

# Budgets belong to no project: Google asks which project's quota pays for the question.
provider "google" {
  alias                 = "billing"
  region                = var.region
  billing_project       = var.shared_project
  user_project_override = true
}
