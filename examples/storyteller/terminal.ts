/** Prints a story while it is generated. In a terminal, the last line shows the speed. */

const { stdout, stderr } = process

export interface Screen {
  write(bytes: Uint8Array): void
  /** Shows a text on the last line of the terminal. */
  status(text: string): void
  end(text: string): void
}

const plain: Screen = {
  write: (bytes) => void stdout.write(bytes),
  status() {},
  end(text) {
    stdout.write('\n')
    stderr.write(`${text}\n`)
  },
}

export function openScreen(): Screen {
  const { isTTY, rows, columns } = stdout
  if (!isTTY || rows < 3) return plain
  // The last line stays, and the story scrolls above it.
  stdout.write(`\n\x1b[A\x1b7\x1b[1;${rows - 1}r\x1b8`)
  process.once('exit', () => stdout.write('\x1b7\x1b[r\x1b8'))
  let column = 0

  function status(text: string): void {
    // After a full line the cursor is still on the last letter, and the story would go on there. So print no status then.
    if (column > 0 && column % columns === 0) return
    stdout.write(`\x1b7\x1b[${rows};1H\x1b[2m${text}\x1b[0m\x1b[K\x1b8`)
  }

  return {
    write(bytes) {
      stdout.write(bytes)
      for (const byte of bytes) {
        if (byte === 10) column = 0
        // Continuation bytes of UTF-8 take no column.
        else if ((byte & 0xc0) !== 0x80) column++
      }
    },
    status,
    end(text) {
      stdout.write('\n')
      column = 0
      status('')
      stdout.write(`\x1b[2m${text}\x1b[0m\n`)
    },
  }
}
