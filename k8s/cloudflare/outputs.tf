output "url" {
  description = "Public address of the service: DEVMIND_URL."
  value       = "https://${var.hostname}"
}

output "access_team_domain" {
  description = "DEVMIND_ACCESS_TEAM_DOMAIN of the service."
  value       = "${var.team_name}.cloudflareaccess.com"
}

output "access_audience" {
  description = "DEVMIND_ACCESS_AUDIENCE of the service."
  value       = cloudflare_zero_trust_access_application.devmind.aud
}

output "tunnel_token" {
  description = "Token of cloudflared, for its Secret."
  value       = data.cloudflare_zero_trust_tunnel_cloudflared_token.devmind.token
  sensitive   = true
}

output "ci_client_id" {
  description = "DEVMIND_ACCESS_CLIENT_ID of CI."
  value       = cloudflare_zero_trust_access_service_token.ci.client_id
}

output "ci_client_secret" {
  description = "DEVMIND_ACCESS_CLIENT_SECRET of CI."
  value       = cloudflare_zero_trust_access_service_token.ci.client_secret
  sensitive   = true
}
