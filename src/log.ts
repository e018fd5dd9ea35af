import { type Logger, pino } from 'pino'
import type { Config } from './config.ts'

/** The log of a process, as JSON lines on standard output. */
export function openLog({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): Logger {
  return pino({ level: LOG_LEVEL })
}
