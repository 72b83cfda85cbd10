# The tunnel: cloudflared in the cluster dials out, nothing listens to the internet.
resource "cloudflare_zero_trust_tunnel_cloudflared" "devmind" {
  account_id = var.account_id
  name       = "devmind-pipeline"
  config_src = "cloudflare"
}

resource "cloudflare_zero_trust_tunnel_cloudflared_config" "devmind" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.devmind.id

  config = {
    ingress = [
      {
        hostname = var.hostname
        service  = var.service_url
        origin_request = {
          connect_timeout = 5
          # Serve closes idle connections after 90 s; cloudflared has to be first.
          keep_alive_timeout = 60
          access = {
            required  = true
            team_name = var.team_name
            aud_tag   = [cloudflare_zero_trust_access_application.devmind.aud]
          }
        }
      },
      # What no rule names is refused; Cloudflare demands such a last rule.
      { service = "http_status:404" },
    ]
  }
}

data "cloudflare_zero_trust_tunnel_cloudflared_token" "devmind" {
  account_id = var.account_id
  tunnel_id  = cloudflare_zero_trust_tunnel_cloudflared.devmind.id
}

resource "cloudflare_dns_record" "devmind" {
  zone_id = var.zone_id
  name    = var.hostname
  type    = "CNAME"
  content = "${cloudflare_zero_trust_tunnel_cloudflared.devmind.id}.cfargotunnel.com"
  proxied = true
  ttl     = 1 # automatic, as for every proxied record
  comment = "DevMind Pipeline, by Terraform"
}
