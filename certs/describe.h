// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * Certificates, bundles and findings as JSON, the same form in every command's --output json, in
 * generation.json and in the status page. No key material, ever.
 */
#include "base/json.h"
#include "certs/policy.h"

/* {"fingerprint","subject","issuer","serial","notBefore","notAfter","names":[],"keyType","keyBits","isCA"} */
cJSON *describe_cert(const struct cert *cert);
/* {"leaf":{…},"chain":[…],"authorities":[…]} */
cJSON *describe_bundle(const struct bundle *bundle);
/* [{"code","severity","message"}] */
cJSON *describe_findings(const struct findings *findings);
