import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** The most bytes of lines that wait to be written. Lines beyond it are dropped. */
const MOST_WAITING = 2 ** 20

/** Writes of this many bytes go into a pipe whole or not at all, so that lines of workers never mix. */
const PIPE_BUF = 4096

/** The time between two attempts to write the lines that wait, in milliseconds. */
const RETRY_MS = 100
/** How long a process that ends waits for a reader of its log, in milliseconds. */
const LAST_WAIT_MS = 300

let dropped = 0

/** How many lines this process has dropped, as a metric. */
export const droppedLines = {
  name: 'kelvin_log_lines_dropped_total',
  help: 'Log lines dropped because standard output did not take them.',
  count: () => dropped,
}

/** What Node has beneath a stream, except that of a file. */
interface StreamHandle {
  _handle: { setBlocking(isBlocking: boolean): void }
}

/**
 * Standard output, which a process has one of. A line is written at once, in the caller's turn. A pipe that
 * nobody reads, or a disk that is full, stops no service: lines wait, up to a bound.
 */
function openOutput() {
  const { _handle: handle } = process.stdout as Partial<StreamHandle>
  const output = pino.destination({
    dest: 1,
    sync: true,
    maxLength: MOST_WAITING,
    maxWrite: PIPE_BUF,
    retryEAGAIN: () => false,
  })
  let failure: string | undefined
  let told = 0
  let timer: NodeJS.Timeout | undefined

  function retry(): void {
    // Writing nothing writes the lines that wait.
    output.write('')
    if (failure) return
    clearInterval(timer)
    timer = undefined
    const lines = dropped - told
    told = dropped
    if (lines > 0)
      pino(output).warn({ lines }, 'standard output did not take log lines, which are dropped')
  }

  const write = output.write.bind(output)
  output.write = (line) => {
    // A write to a blocking pipe may take for ever. Other processes share the pipe, and a worker that starts or ends
    // makes it blocking again for all.
    handle?.setBlocking(false)
    return write(line)
  }
  // pino's own listener stops writing after EPIPE, and lets every other error end the process.
  output.removeAllListeners('error')
  output.on('error', ({ code }: NodeJS.ErrnoException) => {
    failure = code
    timer ??= setInterval(retry, RETRY_MS).unref()
  })
  output.on('write', () => {
    failure = undefined
  })
  output.on('drop', () => {
    dropped++
  })
  // pino calls it after a fatal line, and it would not return before all is written.
  output.flushSync = () => {}
  process.once('exit', () => {
    const end = performance.now() + LAST_WAIT_MS
    const clock = new Int32Array(new SharedArrayBuffer(4))
    while (failure === 'EAGAIN' && performance.now() < end) {
      Atomics.wait(clock, 0, 0, 10)
      retry()
    }
  })
  return output
}

let output: ReturnType<typeof openOutput> | undefined

/** The log of this process, as JSON lines on standard output. */
export function openLog({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): Logger {
  output ??= openOutput()
  return pino({ level: LOG_LEVEL, formatters: { level: (level) => ({ level }) } }, output)
}
