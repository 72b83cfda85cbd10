terraform {
  required_version = ">= 1.9"

  required_providers {
    cloudflare = {
      source  = "cloudflare/cloudflare"
      version = "~> 5.22"
    }
  }
}

# The API token comes from CLOUDFLARE_API_TOKEN.
provider "cloudflare" {}
