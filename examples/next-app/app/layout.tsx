import type { ReactNode } from "react";

export const metadata = { title: "A chat that goes on" };

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body style={{ maxWidth: "40rem", margin: "0 auto", padding: "1rem", fontFamily: "system-ui" }}>
        {children}
      </body>
    </html>
  );
}
