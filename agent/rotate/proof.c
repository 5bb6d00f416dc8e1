// SPDX-License-Identifier: Apache-2.0
/*
 * Handshakes with all endpoints, and the judgement of what they showed.
 *
 * A reload that claims success proves nothing: only a fresh handshake does. Where there is no listener to
 * shake hands with, the driver's health is asked instead, and what it says is judged here the same way.
 */
#include "rotate/proof.h"

#include "base/mem.h"
#include "rotate/agent.h"

#include <stdio.h>
#include <string.h>

#define HANDSHAKE_LIMIT_MS 5000
#define HEALTH_LIMIT_MS    15000

struct look {
        struct proof *proof;
        size_t index;
        struct loop_op *op;
        struct handshake_request request; /* borrowed by the operation */
        struct handshake_result result;
};

struct proof {
        struct agent *agent;
        proof_fn *fn;
        struct cert *expect;
        bool absent; /* it must not be served */
        struct chain authorities;
        struct look *looks;
        size_t n;
        size_t pending;
        struct loop_op *asked; /* of a driver that proves itself, in place of the looks */
        struct err worst;
};

static void proof_free(struct proof *proof)
{
        for (size_t i = 0; i < proof->n; i++) {
                loop_op_cancel(proof->looks[i].op);
                handshake_done(&proof->looks[i].result);
        }
        loop_op_cancel(proof->asked);
        cert_free(proof->expect);
        chain_done(&proof->authorities);
        mem_free(proof->looks);
        mem_free(proof);
}

void proof_cancel(struct proof *proof)
{
        if (proof == NULL)
                return;
        proof->agent->proof = NULL;
        proof_free(proof);
}

static int judge(const struct look *look, struct err *err)
{
        const struct proof *proof = look->proof;
        const char *url = proof->agent->endpoints[look->index].url;
        const struct cert *leaf = look->result.chain.certs[0];
        char served[FINGERPRINT_TEXT_MAX];
        char expected[FINGERPRINT_TEXT_MAX];

        if (proof->expect == NULL)
                return 0;
        if (proof->absent && (proof->agent->database->hook->caps & HOOK_SIGNS_ITSELF) != 0 &&
            !hex_fingerprint_equal(&leaf->fp, &proof->expect->fp))
                return 0;
        if (proof->absent)
                return err_set(err, ERR_MISMATCH, "%s still speaks TLS, with %.16s, although it is off", url,
                               hex_fingerprint(&leaf->fp, served));
        if (!hex_fingerprint_equal(&leaf->fp, &proof->expect->fp))
                return err_set(err, ERR_MISMATCH, "%s serves %.16s, not %.16s which was published", url,
                               hex_fingerprint(&leaf->fp, served),
                               hex_fingerprint(&proof->expect->fp, expected));
        if (proof->authorities.n > 0 && !look->result.trusted)
                return err_set(err, ERR_UNTRUSTED,
                               "%s: a client that holds only the published authorities would refuse it: %s",
                               url, look->result.verify_text);
        return 0;
}

static void note(const struct look *look, const struct err *err)
{
        struct status *status = &look->proof->agent->status;
        struct status_endpoint *endpoint = &status->endpoints[look->index];
        const struct cert *leaf = look->result.chain.n == 0 ? NULL : look->result.chain.certs[0];

        endpoint->ok = err == NULL;
        memset(&endpoint->fp, 0, sizeof(endpoint->fp));
        if (leaf != NULL)
                endpoint->fp = leaf->fp;
        (void)snprintf(endpoint->tls_version, sizeof(endpoint->tls_version), "%s", look->result.tls_version);
        (void)snprintf(endpoint->text, sizeof(endpoint->text), "%.199s", err == NULL ? "" : err->text);
        if (look->index == 0)
                agent_set_stage(look->proof->agent, STAGE_SERVED, leaf);
}

static void handshake_ended(enum op_state state, const struct err *why, void *arg)
{
        struct look *look = arg;
        struct proof *proof = look->proof;
        struct err err = ERR_INIT;
        bool failed;

        look->op = NULL;
        failed = state == OP_FAILED ? !proof->absent : judge(look, &err) != 0;
        if (failed && state == OP_FAILED)
                err = *why;
        note(look, failed ? &err : NULL);
        if (failed && proof->worst.kind == ERR_NONE)
                proof->worst = err;
        if (--proof->pending > 0)
                return;
        err = proof->worst;
        proof->agent->proof = NULL;
        proof->fn(proof->agent, err.kind == ERR_NONE ? NULL : &err);
        proof_free(proof);
}

/* What is served nobody tells in another form than whether it is what was published. */
static void health_ended(enum op_state state, const struct err *why, void *arg)
{
        struct proof *proof = arg;
        struct agent *agent = proof->agent;
        const struct bundle *published = agent->database->published;
        bool differs = state == OP_FAILED && why->kind == ERR_MISMATCH;
        const struct err *failure = state == OP_DONE || (differs && proof->expect == NULL) ? NULL : why;

        proof->asked = NULL;
        agent_note_facts(agent);
        agent_set_stage(agent, STAGE_SERVED,
                        state == OP_DONE && published != NULL ? bundle_leaf(published) : NULL);
        agent->proof = NULL;
        proof->fn(agent, failure);
        proof_free(proof);
}

static void ask(struct proof *proof)
{
        struct agent *agent = proof->agent;
        struct op *op = agent->database->hook->health(agent->database, HEALTH_LIMIT_MS);

        proof->asked = loop_op_start(agent->loop, op, HEALTH_LIMIT_MS + 1000, health_ended, proof);
}

static void shake_hands(struct proof *proof)
{
        struct agent *agent = proof->agent;

        for (size_t i = 0; i < proof->n; i++) {
                struct look *look = &proof->looks[i];

                look->proof = proof;
                look->index = i;
                look->request = endpoint_request(&agent->endpoints[i]);
                look->request.context = agent->tls;
                look->request.authorities = proof->authorities.n > 0 ? &proof->authorities : NULL;
                look->op = loop_op_start(agent->loop,
                                         handshake_start(&look->request, HANDSHAKE_LIMIT_MS, &look->result),
                                         HANDSHAKE_LIMIT_MS + 1000, handshake_ended, look);
        }
}

static struct proof *start(struct agent *agent, struct cert *expect, bool absent,
                           const struct chain *authorities, proof_fn *fn)
{
        struct proof *proof = MEM_NEW(struct proof);

        proof->agent = agent;
        proof->fn = fn;
        proof->absent = absent;
        /* Kept by reference: the rotation may be abandoned while the handshakes are under way. */
        proof->expect = expect == NULL ? NULL : cert_ref(expect);
        if (authorities != NULL)
                chain_copy(&proof->authorities, authorities);
        proof->n = agent->n_endpoints;
        proof->pending = proof->n;
        proof->looks = mem_array(proof->n, sizeof(*proof->looks));
        agent->proof = proof;
        if (agent->database->hook->caps & HOOK_PROVES_ITSELF)
                ask(proof);
        else
                shake_hands(proof);
        return proof;
}

struct proof *proof_start(struct agent *agent, struct cert *expect, const struct chain *authorities,
                          proof_fn *fn)
{
        return start(agent, expect, false, authorities, fn);
}

struct proof *proof_start_absent(struct agent *agent, struct cert *leaf, proof_fn *fn)
{
        return start(agent, leaf, true, NULL, fn);
}
