export function element<T extends HTMLElement>(id: string): T {
  const found = document.querySelector<T>(`#${id}`);
  if (!found) throw new Error(`The page has no ${id}.`);
  return found;
}

export function onPress(id: string, act: () => unknown): void {
  element(id).addEventListener("click", act);
}

export function count(units: number): string {
  return units.toLocaleString("en");
}
