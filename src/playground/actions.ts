import type { createSettings } from './settings.ts'
import type { createSharing } from './sharing.ts'
import type { createIntake } from './taking.ts'
import type { createTelling } from './telling.ts'

/** The actions of a user on the page. */
export type Actions = ReturnType<typeof createSettings> &
  ReturnType<typeof createTelling> &
  ReturnType<typeof createIntake> &
  ReturnType<typeof createSharing>
