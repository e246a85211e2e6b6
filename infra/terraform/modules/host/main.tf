# One machine with an engine, reached by people and by the worker through IAP only. It is the machine that a release serves
# on, and the one that Prefect runs on.

# Its own network: the one that each project comes with opens SSH and RDP to everybody.
resource "google_compute_network" "own" {
  project                 = var.project
  name                    = "trovella-${var.name}"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "own" {
  project                  = var.project
  name                     = "trovella-${var.name}"
  region                   = var.region
  network                  = google_compute_network.own.id
  ip_cidr_range            = "10.10.0.0/24"
  private_ip_google_access = true
}

resource "google_compute_address" "static" {
  project = var.project
  name    = "trovella-${var.name}-ip"
  region  = var.region

  lifecycle {
    prevent_destroy = true
  }
}

resource "google_compute_firewall" "web" {
  project       = var.project
  name          = "trovella-${var.name}-allow-http-https"
  network       = google_compute_network.own.id
  direction     = "INGRESS"
  source_ranges = ["0.0.0.0/0"]
  target_tags   = ["trovella-web"]

  # Port 80 for the certificate's challenge and the redirect.
  allow {
    protocol = "tcp"
    ports    = ["80", "443"]
  }

  # HTTP/3. Without it browsers are offered what they cannot reach.
  allow {
    protocol = "udp"
    ports    = ["443"]
  }
}

resource "google_compute_firewall" "iap_ssh" {
  project       = var.project
  name          = "trovella-${var.name}-allow-iap-ssh"
  network       = google_compute_network.own.id
  direction     = "INGRESS"
  source_ranges = ["35.235.240.0/20"]
  target_tags   = ["iap-ssh"]

  allow {
    protocol = "tcp"
    ports    = ["22"]
  }
}

resource "google_compute_instance" "host" {
  project             = var.project
  name                = "trovella-${var.name}-vm"
  zone                = var.zone
  machine_type        = var.machine_type
  tags                = ["trovella-web", "iap-ssh"]
  deletion_protection = true
  # A change of its size is a decision for people: it stops the machine.
  allow_stopping_for_update = false

  boot_disk {
    auto_delete = false

    initialize_params {
      image = "ubuntu-os-cloud/ubuntu-2404-lts-amd64"
      size  = var.disk_gb
      type  = "pd-standard"
    }
  }

  network_interface {
    subnetwork = google_compute_subnetwork.own.id

    access_config {
      nat_ip = google_compute_address.static.address
    }
  }

  service_account {
    email  = google_service_account.vm.email
    scopes = ["cloud-platform"]
  }

  shielded_instance_config {
    enable_secure_boot          = true
    enable_vtpm                 = true
    enable_integrity_monitoring = true
  }

  # As metadata and not as `metadata_startup_script`, a change of which would make the machine anew.
  metadata = {
    startup-script          = var.startup_script
    deploy-login            = var.deploy_login
    application-directory   = var.directory
    enable-oslogin          = "TRUE"
    enable-guest-attributes = "TRUE"
    block-project-ssh-keys  = "TRUE"
  }

  lifecycle {
    # The image's family moves each week, and a full disk is grown where it stands: neither is a reason to make the
    # machine anew, which is what Google's provider does for both.
    ignore_changes = [
      boot_disk[0].initialize_params[0].image,
      boot_disk[0].initialize_params[0].size,
    ]
  }
}

resource "google_service_account" "vm" {
  project      = var.project
  account_id   = var.account_id
  display_name = "trovella-${var.name}-vm"
}

resource "google_project_iam_member" "vm" {
  for_each = var.roles

  project = var.project
  role    = each.value
  member  = google_service_account.vm.member
}
