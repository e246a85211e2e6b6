# Who is told of what. A deploy is judged by verify, not by these: they are for everything between two deploys.

resource "google_monitoring_notification_channel" "email" {
  project      = var.project
  display_name = "Trovella: people"
  type         = "email"

  labels = {
    email_address = var.email
  }
}

resource "google_monitoring_uptime_check_config" "health" {
  count = var.health == null ? 0 : 1

  project      = var.project
  display_name = "health"
  period       = "300s"
  timeout      = "10s"

  monitored_resource {
    type = "uptime_url"

    labels = {
      project_id = var.project
      host       = var.health.host
    }
  }

  http_check {
    path           = var.health.path
    port           = 443
    use_ssl        = true
    validate_ssl   = true
    request_method = "GET"

    accepted_response_status_codes {
      status_value = 200
    }
  }

  # `degraded` answers 200 too, with a dead database for instance: the body tells.
  content_matchers {
    content = "\"${var.health.status}\""
    matcher = "MATCHES_JSON_PATH"

    json_path_matcher {
      json_path    = "$.status"
      json_matcher = "EXACT_MATCH"
    }
  }
}

locals {
  machine = "resource.type=\"gce_instance\" AND resource.labels.instance_id=\"${var.instance_id}\""

  # Thresholds are in the metric's own unit: CPU is a share, the Ops Agent tells percent.
  usage = {
    cpu = {
      metric    = "metric.type=\"compute.googleapis.com/instance/cpu/utilization\""
      threshold = 0.85
      duration  = "300s"
      meaning   = "The CPU is busier than 85 % for 5 minutes. `docker stats` on the host says which container it is."
    }
    memory = {
      metric    = "metric.type=\"agent.googleapis.com/memory/percent_used\" AND metric.labels.state=\"used\""
      threshold = 90
      duration  = "300s"
      meaning   = "More than 90 % of the memory is used for 5 minutes. `docker stats` on the host says by which container."
    }
    disk = {
      metric    = "metric.type=\"agent.googleapis.com/disk/percent_used\" AND metric.labels.state=\"used\" AND metric.labels.device!=monitoring.regex.full_match(\"/dev/loop.*\")"
      threshold = 80
      duration  = "0s"
      meaning   = "A disk is more than 80 % full. Full, it stops pulls, then logs, then the application: `docker system df` on the host."
    }
  }
}

resource "google_monitoring_alert_policy" "usage" {
  for_each = local.usage

  project               = var.project
  display_name          = each.key
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = each.key

    condition_threshold {
      filter          = "${each.value.metric} AND ${local.machine}"
      comparison      = "COMPARISON_GT"
      threshold_value = each.value.threshold
      duration        = each.value.duration

      aggregations {
        alignment_period   = "60s"
        per_series_aligner = "ALIGN_MEAN"
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    content   = each.value.meaning
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_alert_policy" "uptime" {
  count = var.health == null ? 0 : 1

  project               = var.project
  display_name          = "uptime"
  combiner              = "OR"
  notification_channels = [google_monitoring_notification_channel.email.name]

  conditions {
    display_name = "uptime"

    # More than one region sees it fail: one alone is its own way to us.
    condition_threshold {
      filter          = "metric.type=\"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id=\"${google_monitoring_uptime_check_config.health[0].uptime_check_id}\" AND resource.type=\"uptime_url\""
      comparison      = "COMPARISON_GT"
      threshold_value = 1
      duration        = "0s"

      aggregations {
        alignment_period     = "600s"
        per_series_aligner   = "ALIGN_NEXT_OLDER"
        cross_series_reducer = "REDUCE_COUNT_FALSE"
        group_by_fields      = ["resource.label.host"]
      }

      trigger {
        count = 1
      }
    }
  }

  alert_strategy {
    auto_close = "1800s"
  }

  documentation {
    content   = "https://${var.health.host}${var.health.path} does not say `${var.health.status}`. Its body names what fails; `bin/rollback` goes back."
    mime_type = "text/markdown"
  }
}
