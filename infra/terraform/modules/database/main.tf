variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where it is."
  type        = string
}

variable "name" {
  description = "Name of the instance."
  type        = string
}

# pgvector needs nothing here: each instance has the extension, and `CREATE EXTENSION vector` is a migration's.
resource "google_sql_database_instance" "main" {
  project             = var.project
  name                = var.name
  region              = var.region
  database_version    = "POSTGRES_18"
  deletion_protection = true # against Terraform

  settings {
    tier                        = "db-g1-small"
    edition                     = "ENTERPRISE"
    availability_type           = "ZONAL"
    disk_type                   = "PD_SSD"
    disk_size                   = 10
    disk_autoresize             = true
    deletion_protection_enabled = true # against everybody

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true
      start_time                     = "08:00" # UTC, the night of the people who would wake up
      transaction_log_retention_days = 7

      backup_retention_settings {
        retained_backups = 14
        retention_unit   = "COUNT"
      }
    }

    # An address without a single network that may use it: the Auth Proxy with its certificates is the only way in.
    ip_configuration {
      ipv4_enabled = true
      ssl_mode     = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    maintenance_window {
      day          = 7
      hour         = 9
      update_track = "stable"
    }

    # Waits and spills are what a slow migration shows first.
    database_flags {
      name  = "log_lock_waits"
      value = "on"
    }

    database_flags {
      name  = "log_checkpoints"
      value = "on"
    }

    # Who comes and goes: a few lines a minute through a pool of five.
    database_flags {
      name  = "log_connections"
      value = "on"
    }

    database_flags {
      name  = "log_disconnections"
      value = "on"
    }
  }

  lifecycle {
    prevent_destroy = true
    # It grows by itself.
    ignore_changes = [settings[0].disk_size]
  }
}

# Its user is made by hand: a password here would lie in the state.
resource "google_sql_database" "application" {
  project         = var.project
  name            = "trovella"
  instance        = google_sql_database_instance.main.name
  deletion_policy = "ABANDON"
}

output "connection" {
  description = "What the Auth Proxy is given: project:region:instance."
  value       = google_sql_database_instance.main.connection_name
}
