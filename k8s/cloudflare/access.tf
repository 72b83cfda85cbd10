# Who is let in: people of our domains, and CI by a token of its own.
resource "cloudflare_zero_trust_access_service_token" "ci" {
  account_id = var.account_id
  name       = "devmind-ci"
  duration   = var.ci_token_duration

  lifecycle {
    create_before_destroy = true
  }
}

resource "cloudflare_zero_trust_access_policy" "people" {
  account_id       = var.account_id
  name             = "devmind-people"
  decision         = "allow"
  session_duration = var.session_duration
  include          = [for domain in sort(tolist(var.email_domains)) : { email_domain = { domain = domain } }]
}

resource "cloudflare_zero_trust_access_policy" "ci" {
  account_id = var.account_id
  name       = "devmind-ci"
  decision   = "non_identity"
  include    = [{ service_token = { token_id = cloudflare_zero_trust_access_service_token.ci.id } }]
}

resource "cloudflare_zero_trust_access_application" "devmind" {
  account_id                 = var.account_id
  name                       = "DevMind Pipeline"
  type                       = "self_hosted"
  domain                     = var.hostname
  session_duration           = var.session_duration
  app_launcher_visible       = true
  http_only_cookie_attribute = true
  same_site_cookie_attribute = "lax"
  # A program that is not let in gets 401, not a page to sign in on.
  service_auth_401_redirect = true

  policies = [
    { id = cloudflare_zero_trust_access_policy.ci.id, precedence = 1 },
    { id = cloudflare_zero_trust_access_policy.people.id, precedence = 2 },
  ]
}
