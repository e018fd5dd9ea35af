import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** The largest number of bytes in lines that wait to be written. Further lines are dropped. */
const MOST_WAITING = 2 ** 20

/** Writes of this many bytes go into a pipe whole or not at all, so that lines of workers never mix. */
const PIPE_BUF = 4096

/** The longest time that a line waits for others to be written with it, in milliseconds. */
const GATHER_MS = 50
/** The time between two attempts to write the lines that wait, in milliseconds. */
const RETRY_MS = 100
/** Longest time that a process waits for a reader of its log before it exits, in milliseconds. */
const LAST_WAIT_MS = 300

/** Lines that are written at once. */
const urgent = /^\{"level":"(error|fatal)"/

/** Levels have names. */
const format = { formatters: { level: (level: string) => ({ level }) } }

let dropped = 0

/** The number of lines that this process has dropped, as a metric. */
export const droppedLines = {
  name: 'kelvin_log_lines_dropped_total',
  help: 'Log lines dropped because standard output did not take them.',
  count: () => dropped,
}

/** The handle of a Node stream. A stream that writes to a file has none. */
interface StreamHandle {
  _handle: { setBlocking(isBlocking: boolean): void }
}

/** Gathers lines for a short time, because writing them one by one would take more time than all else that is logged. */
function gather(write: (lines: string) => void) {
  let lines = ''
  let length = 0
  let timer: NodeJS.Timeout | undefined

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    const all = lines
    lines = ''
    length = 0
    if (all !== '') write(all)
  }

  function add(line: string): void {
    const bytes = Buffer.byteLength(line)
    if (length + bytes > PIPE_BUF) flush()
    lines += line
    length += bytes
    timer ??= setTimeout(flush, GATHER_MS).unref()
  }

  return { add, flush }
}

/**
 * Opens standard output, once for a process. Lines are gathered, and written synchronously. If nobody reads the pipe,
 * or the disk is full, the service goes on: lines wait in memory, up to `MOST_WAITING` bytes.
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
  const append = output.write.bind(output)
  let failure: string | undefined
  let told = 0
  let timer: NodeJS.Timeout | undefined

  function write(lines: string): void {
    // A write to a blocking pipe may never return. Other processes share the pipe, and a worker that starts or ends
    // makes it blocking again for all of them.
    handle?.setBlocking(false)
    append(lines)
  }
  const gathered = gather(write)

  function retry(): void {
    // Writing nothing writes the lines that wait.
    write('')
    if (failure) return
    clearInterval(timer)
    timer = undefined
    const lines = dropped - told
    told = dropped
    if (lines > 0) {
      const log = pino(format, output)
      log.warn({ lines }, 'standard output did not take log lines, which are dropped')
    }
  }

  output.write = (line) => {
    gathered.add(line)
    // After an error the process may be killed.
    if (urgent.test(line)) gathered.flush()
    return true
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
  output.on('drop', (lines: string) => {
    dropped += lines.split('\n').length - 1
  })
  // pino calls this after a fatal line. Its own version does not return before all lines are written.
  output.flushSync = gathered.flush
  process.once('exit', () => {
    gathered.flush()
    const end = performance.now() + LAST_WAIT_MS
    const clock = new Int32Array(new SharedArrayBuffer(4))
    while (failure === 'EAGAIN' && performance.now() < end) {
      Atomics.wait(clock, 0, 0, 10)
      retry()
      gathered.flush()
    }
  })
  return output
}

let output: ReturnType<typeof openOutput> | undefined

/** The log of this process, as JSON lines on standard output. */
export function openLog({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): Logger {
  output ??= openOutput()
  return pino({ level: LOG_LEVEL, ...format }, output)
}
