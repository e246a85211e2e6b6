variable "name" {
  description = "What stands in the names of its parts: prod, staging, operations."
  type        = string
}

variable "project" {
  description = "The project."
  type        = string
}

variable "region" {
  description = "Where its address is."
  type        = string
}

variable "zone" {
  description = "Where it is."
  type        = string
}

variable "machine_type" {
  description = "How large it is."
  type        = string
}

variable "disk_gb" {
  description = "How large its disk is, in GB: images, logs and the search index are on it."
  type        = number
}

variable "startup_script" {
  description = "What it runs at each start, the whole text."
  type        = string
}

variable "deploy_login" {
  description = "Who the directory belongs to, as OS Login calls them."
  type        = string
}

variable "directory" {
  description = "Where what runs on it is kept."
  type        = string
}

variable "account_id" {
  description = "What its service account is called."
  type        = string
}

variable "roles" {
  description = "What its service account may do in the project."
  type        = set(string)
}
