// SPDX-License-Identifier: Apache-2.0
#pragma once
/*
 * What the agent is to bring about: the content of the source, in the phase and the TLS mode that the plan
 * asks for, or the configuration where there is no plan. One fingerprint stands for all of it: what was
 * settled, judged and tried is remembered by that.
 */
#include "rotate/agent.h"

/*
 * The plan as it is now; the one before stays, and the error is told, when it cannot be read: half a plan is
 * not followed, and no plan would let the agent act on its own.
 */
void wish_read(const struct agent *agent, struct plan *out);
/* From now on this is the plan; takes it over. Not while a rotation works on the one before. */
void wish_adopt(struct agent *agent, struct plan *plan);
enum tls_mode wish_mode(const struct agent *agent, const struct plan *plan);
/* The content alone, when neither plan nor mode say more. Pure. */
void wish_target(const struct agent *agent, const struct plan *plan, const struct fingerprint *content,
                 struct fingerprint *out);
/*
 * May this instance act now? The first bundle waits for nobody: the database does not start without it. Nor
 * does a switch of the mode, up to the restart, or taking one back before it; nor, at rest, one whose
 * certificate is in the last tenth of its lifetime. One that may only reload does: a restart is held later.
 */
bool wish_may_act(const struct agent *agent);
/* The turn alone has changed, while a rotation waits: one that was held for it goes on. */
void wish_turn(struct agent *agent, const struct plan *plan);
/* Certificates and configuration files both as the plan asks, or one of them failed: the status says so. */
void wish_note_done(struct agent *agent);
/* It goes back, and what it failed by is told at once. */
void wish_note_failing(struct agent *agent);
/*
 * What is published for it: the candidate, as loaded from the source, becomes what its phase says. In phase
 * trust its leaf is set aside in agent->upcoming.
 */
void wish_compose(struct agent *agent);
