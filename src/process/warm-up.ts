import { setTimeout } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { isTurnSpent, nextTurn } from '../turns.ts'

/** Processor time of the warm-up, in milliseconds. More makes the first requests little faster, and takes memory. */
const LONGEST = 200
/** Time until the warm-up goes on after it found a request under way, in milliseconds. */
const BREAK = 10

/**
 * Answers small requests of its own, so that V8 optimizes the code before the first clients need it. It stops while a
 * client has a request under way, because all requests share the memory in which rows are sampled. A client waits for it
 * a millisecond at most.
 */
export async function warmUp({
  admission,
  warmUps,
}: Pick<FastifyInstance, 'admission' | 'warmUps'>): Promise<void> {
  for (let spent = 0; spent < LONGEST && admission.phase === 'open'; ) {
    await (admission.underWay.size > 0 ? setTimeout(BREAK, undefined, { ref: false }) : nextTurn())
    const began = performance.now()
    while (admission.underWay.size === 0 && !isTurnSpent()) for (const answer of warmUps) answer()
    spent += performance.now() - began
  }
}
