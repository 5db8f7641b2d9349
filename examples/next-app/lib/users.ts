// In place of your login.

/** Whether the user who asks is the chat's. There are no users here: replace this before anybody else can reach the server. */
export function isOwner(_request: Request, _chatId: string): boolean {
  return true;
}
