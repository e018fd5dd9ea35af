/** A story as it comes, and below it, where there is a terminal, how fast. */

const { stdout } = process

export interface Screen {
  write(text: string | Uint8Array): void
  /** On the last line of the terminal. */
  status(text: string): void
  end(text: string): void
}

export function openScreen(): Screen {
  const { isTTY, rows } = stdout
  if (!isTTY || rows < 3) {
    return {
      write: (text) => void stdout.write(text),
      status() {},
      end(text) {
        stdout.write('\n')
        process.stderr.write(`${text}\n`)
      },
    }
  }
  // The story scrolls above the last line, which stays.
  stdout.write(`\n\x1b[A\x1b7\x1b[1;${rows - 1}r\x1b8`)
  const reset = () => stdout.write('\x1b7\x1b[r\x1b8')
  process.once('exit', reset)
  const status = (text: string) =>
    void stdout.write(`\x1b7\x1b[${rows};1H\x1b[2m${text}\x1b[0m\x1b[K\x1b8`)
  return {
    write: (text) => void stdout.write(text),
    status,
    end(text) {
      status('')
      stdout.write(`\n\x1b[2m${text}\x1b[0m\n`)
    },
  }
}
