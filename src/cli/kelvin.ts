import manifest from '../../package.json' with { type: 'json' }

/** The command `kelvin`. Its first argument is the name of a subcommand. */

interface Command {
  /** Returns the exit code, or `undefined` if the process continues. */
  run(args: string[], environment: NodeJS.ProcessEnv): Promise<number | undefined>
}

const commands: Readonly<Record<string, { summary: string; load(): Promise<Command> }>> = {
  serve: { summary: 'start the server', load: () => import('./serve.ts') },
  sample: { summary: 'sample from logits in a file', load: () => import('./sample.ts') },
}

const usage = `Usage: kelvin COMMAND [OPTIONS]

From logits to tokens. Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(8)} ${summary}`)
  .join('\n')}

  kelvin COMMAND --help prints the options of a command, kelvin --version the version.
`

function complain(name: string, message: string, hint: string, exitCode: number): number {
  process.stderr.write(`kelvin${name && ` ${name}`}: ${message}\n${hint}`)
  return exitCode
}

async function main([name = '', ...args]: string[]): Promise<number | undefined> {
  if (name === '--version' || name === '-V') {
    process.stdout.write(`${manifest.version}\n`)
    return 0
  }
  if (name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(usage)
    return 0
  }
  if (!Object.hasOwn(commands, name)) {
    if (name) return complain('', `unknown command "${name}"`, usage, 2)
    process.stderr.write(usage)
    return 2
  }
  try {
    const { run } = await commands[name]!.load()
    return await run(args, process.env)
  } catch (error) {
    const { exitCode, code, message } = error as Error & { exitCode?: number; code?: string }
    const isMisuse = exitCode === 2 || code?.startsWith('ERR_PARSE_ARGS')
    if (!isMisuse && exitCode === undefined) throw error
    const hint = isMisuse ? `Try kelvin ${name} --help\n` : ''
    return complain(name, message, hint, isMisuse ? 2 : exitCode!)
  }
}

// The reader of a pipe may close it early, as `head` does.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
const exitCode = await main(process.argv.slice(2))
if (exitCode !== undefined) process.exitCode = exitCode
