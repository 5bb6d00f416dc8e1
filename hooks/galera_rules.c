// SPDX-License-Identifier: Apache-2.0
/*
 * Galera links are mutual: every member must trust the others' authority before any of them shows a leaf of
 * it, and the leaf is shown as a client's too. Until the server has answered once, a database with a history
 * is taken for a member: a cluster that falls apart costs more than a question to the administrator.
 */
#include "hooks/galera_rules.h"

#include "certs/change.h"

void galera_rules_check(const struct database *database, const struct bundle *fresh,
                        const struct bundle *published, struct findings *out)
{
        const struct policy *policy = database->settings->policy;
        bool may_be_member = database->facts.known ? database->facts.clustered : published != NULL;

        if (may_be_member && change_classify(published, fresh) == CHANGE_NEW_AUTHORITY)
                policy_add(out, policy, FINDING_AUTHORITY_CHANGED,
                           "the leaf is signed by an authority ('%.120s') that other members of the cluster "
                           "may not trust: members would refuse each other; first publish old and new "
                           "authorities on every member, then the leaf",
                           bundle_leaf(fresh)->issuer);
        if (database->facts.known && database->facts.clustered && !bundle_leaf(fresh)->client_auth)
                policy_add(out, policy, FINDING_ENGINE,
                           "the leaf may not be used by a client (extended key usage without clientAuth), "
                           "but Galera members show it to each other as clients: members would refuse each "
                           "other");
}
