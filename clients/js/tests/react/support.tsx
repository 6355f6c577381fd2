import { configure, renderHook, waitFor } from "@testing-library/react";
import { type ReactNode } from "react";
import type { Client } from "../../src/index.js";
import { HearthProvider } from "../../src/react/index.js";
import { PATIENCE } from "../support/clients.js";

configure({ reactStrictMode: true });

/** A page that gives a client to what it shows. */
export function page(client: Client): (props: { children: ReactNode }) => ReactNode {
  return ({ children }) => <HearthProvider client={client}>{children}</HearthProvider>;
}

/** What a hook returned last, of each time that it was called. */
export interface Looked<View> {
  readonly view: View;
  readonly all: readonly View[];
  rerender: () => void;
  unmount: () => void;
}

export function look<View>(client: Client, hook: () => View): Looked<View> {
  const all: View[] = [];
  const { result, rerender, unmount } = renderHook(
    () => {
      const view = hook();
      all.push(view);
      return view;
    },
    { wrapper: page(client) },
  );
  return {
    get view() {
      return result.current;
    },
    all,
    rerender,
    unmount,
  };
}

/** Wait for something to be shown. */
export async function shown(expectation: () => void): Promise<void> {
  await waitFor(expectation, PATIENCE);
}
