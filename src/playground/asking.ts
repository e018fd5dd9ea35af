/** How long an answer may take before a newer question takes its place, in milliseconds. */
const PATIENCE = 100

/**
 * Asks for the newest alone: one question at a time, and while one is under way only the last of those
 * that come is kept. So no older answer follows a newer one, and a slow server is not piled upon.
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

/** Calls once things have been quiet for a while. */
export function settled(call: () => void, milliseconds: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(call, milliseconds)
  }
}
