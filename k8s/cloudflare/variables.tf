variable "account_id" {
  description = "Cloudflare account."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.account_id))
    error_message = "An account id has 32 hex digits."
  }
}

variable "zone_id" {
  description = "Zone that the hostname is in."
  type        = string

  validation {
    condition     = can(regex("^[0-9a-f]{32}$", var.zone_id))
    error_message = "A zone id has 32 hex digits."
  }
}

variable "hostname" {
  description = "Public name of the service, such as devmind.example.org."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.hostname))
    error_message = "A hostname is lower case with dots, without a scheme or a path."
  }
}

variable "team_name" {
  description = "Zero Trust team: the first part of team.cloudflareaccess.com."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.team_name))
    error_message = "The team's name alone, without .cloudflareaccess.com."
  }
}

variable "email_domains" {
  description = "People with an address of these domains are let in."
  type        = set(string)

  validation {
    condition     = length(var.email_domains) > 0 && alltrue([for d in var.email_domains : can(regex("^[a-z0-9.-]+\\.[a-z]{2,}$", d))])
    error_message = "At least one domain such as example.org; nobody else is let in."
  }
}

variable "service_url" {
  description = "Where cloudflared finds the service inside the cluster."
  type        = string
  default     = "http://devmind-ml-service.devmind-pipeline.svc:8000"

  validation {
    condition     = can(regex("^https?://[a-z0-9.-]+:[0-9]+$", var.service_url))
    error_message = "An address such as http://devmind-ml-service.devmind-pipeline.svc:8000."
  }
}

variable "session_duration" {
  description = "How long people stay signed in."
  type        = string
  default     = "24h"

  validation {
    condition     = can(regex("^[0-9]+(m|h)$", var.session_duration))
    error_message = "Minutes or hours, such as 30m or 24h."
  }
}

variable "ci_token_duration" {
  description = "How long CI's service token holds; a year by default."
  type        = string
  default     = "8760h"

  validation {
    condition     = can(regex("^[0-9]+h$", var.ci_token_duration))
    error_message = "Hours, such as 8760h."
  }
}
