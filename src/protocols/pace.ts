import { isTurnSpent, nextTurn } from '../turns.ts'

export const pace = () => (isTurnSpent() ? nextTurn() : undefined)
