/**
 * Icons: lines in a square of 24, drawn for this page.
 *
 * @module
 */

const PATHS = {
  add: "M12 5v14M5 12h14",
  attach:
    "M20 11.5 12.2 19.3a4.6 4.6 0 0 1-6.5-6.5l7.8-7.8a3 3 0 0 1 4.3 4.3l-7.6 7.6a1.4 1.4 0 0 1-2-2l7-7",
  back: "M15 5l-7 7 7 7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 0 0 4 0",
  close: "M6 6l12 12M18 6 6 18",
  copy: "M9 9h10v11H9zM5 15V4h10",
  down: "M12 5v14M6 13l6 6 6-6",
  download: "M12 4v11M7 10.5l5 5 5-5M5 20h14",
  edit: "M5 19l1-4L16.5 4.5l3 3L9 18zM14 7l3 3",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  handover: "M7 11V3h7l4 4v4M14 3v4h4M3 17h15M13.5 12.5 18 17l-4.5 4.5",
  hash: "M9 4 7 20M17 4l-2 16M4 9h16M4 15h16",
  leave: "M14 5H5v14h9M11 12h9M16.5 8.5 20 12l-3.5 3.5",
  link:
    "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.2 1.2M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.2-1.2",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  menu: "M4 7h16M4 12h16M4 17h16",
  people:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c.3-4 3-6 6.5-6s6.2 2 6.5 6M16 5a3.2 3.2 0 0 1 0 6.3M18 14.4c2.2.8 3.4 2.7 3.6 5.6",
  react:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14.200c1.7 2.6 5.3 2.6 7 0M9 9.700v.1M15 9.700v.1",
  remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5.500M13.5 11v5.5",
  reply: "M10 6 4 12l6 6M4.5 12H14c3.5 0 6 2 6 6",
  retry: "M19 12a7 7 0 1 1-2-4.900L20 10M20 4v6h-6",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5 20.5 20.5",
  send: "M4 12 20 4.5 15 20l-3.5-6.500zM11.5 13.5 20 4.5",
  settings: "M4 7h8M18 7h2M4 17h2M12 17h8M15 4.5v5M9 14.5v5",
  stop: "M7 7h10v10H7z",
} as const;

/** The name of an icon. */
export type IconName = keyof typeof PATHS;

/** An icon; what it means is said by the text or label beside it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** A button with nothing but an icon. */
export function IconButton(
  { icon, label, onClick, class: more = "", pressed, disabled }: {
    icon: IconName;
    label: string;
    onClick: (event: MouseEvent) => void;
    class?: string;
    pressed?: boolean;
    disabled?: boolean;
  },
) {
  return (
    <button
      type="button"
      class={`icon-button ${more}`}
      aria-label={label}
      aria-pressed={pressed}
      title={label}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  );
}
