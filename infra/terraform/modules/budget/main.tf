terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

variable "project" {
  description = "The project that is watched."
  type        = string
}

variable "billing_account" {
  description = "The billing account that pays for it."
  type        = string
}

variable "monthly_usd" {
  description = "What it may cost in a month, in US dollars."
  type        = number
}

data "google_project" "watched" {
  project_id = var.project
}

# It tells the billing account's administrators; it stops nothing.
resource "google_billing_budget" "monthly" {
  billing_account = var.billing_account
  display_name    = "${var.project} monthly"

  budget_filter {
    projects        = ["projects/${data.google_project.watched.number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      currency_code = "USD"
      units         = tostring(var.monthly_usd)
    }
  }

  threshold_rules {
    threshold_percent = 0.5
  }

  threshold_rules {
    threshold_percent = 0.9
  }

  threshold_rules {
    threshold_percent = 1.0
  }

  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }
}
