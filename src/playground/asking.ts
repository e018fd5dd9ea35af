/** After this time, in milliseconds, a newer question aborts the one under way. */
const PATIENCE = 100

/**
 * Asks one question at a time. Of the questions that come while one is under way, only the newest is asked. So no
 * older answer replaces a newer one, and a slow server gets no queue.
 */
export function newest<Question, Answer>(
  ask: (question: Question, signal: AbortSignal) => Promise<Answer>,
  show: (answer: Answer, question: Question) => void,
  fail: (error: unknown) => void,
): (question: Question) => void {
  let waiting: { question: Question } | undefined
  let current: AbortController | undefined
  let overdue = false

  async function run(question: Question) {
    const controller = new AbortController()
    current = controller
    overdue = false
    const timer = setTimeout(() => {
      overdue = true
      if (waiting) controller.abort()
    }, PATIENCE)
    try {
      const answer = await ask(question, controller.signal)
      if (!controller.signal.aborted) show(answer, question)
    } catch (error) {
      if (!controller.signal.aborted) fail(error)
    }
    clearTimeout(timer)
    current = undefined
    const next = waiting
    waiting = undefined
    if (next) void run(next.question)
  }

  return (question) => {
    if (!current) {
      void run(question)
      return
    }
    waiting = { question }
    if (overdue) current.abort()
  }
}

/** Debounces: `call` runs after no call has come for some milliseconds. */
export function debounced(call: () => void, milliseconds: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(call, milliseconds)
  }
}
