import type { Kind } from "./kinds.ts";
import type { Metric } from "./metric.ts";

type Options = { unit?: string; component?: string; kinds?: readonly Kind[]; bad?: boolean };

const number = (name: string, meaning: string, options: Options = {}): Metric =>
  entry(name, "number", meaning, options);
const flag = (name: string, meaning: string, options: Options = {}): Metric => entry(name, "boolean", meaning, options);

function entry(name: string, type: Metric["type"], meaning: string, options: Options): Metric {
  return {
    name,
    type,
    unit: options.unit ?? "",
    counter: name.endsWith("_total"),
    component: options.component ?? null,
    kinds: options.kinds ?? null,
    meaning,
    ...(options.bad !== undefined && { bad: options.bad }),
  };
}

const PRINTERS = ["label_printer", "receipt_printer", "office_printer"] as const;
const MEDIA_PRINTERS = ["label_printer", "receipt_printer"] as const;
const HOSTS = ["pos_terminal", "host", "agent", "collector", "video_recorder", "device_server"] as const;
/** Our own programs. */
const OURS = ["agent", "collector"] as const;
const REACHING = ["pos_terminal", "host", "router"] as const;
const POWER = ["ups"] as const;
/** What may run on a battery of its own. */
const MOBILE = ["ups", "pos_terminal", "host"] as const;
const WITH_BATTERY = [...MOBILE, "label_printer", "receipt_printer", "barcode_scanner"] as const;
const POWERED = ["ups", "pdu"] as const;
const WIRELESS = ["access_point", "wireless_controller", "router"] as const;
const WITH_DISKS = [...HOSTS, "camera"] as const;
const CONVEYORS = ["conveyor", "drive"] as const;
const ON_A_LINE = [
  "barcode_scanner",
  "scale",
  "receipt_printer",
  "label_printer",
  "cash_drawer",
  "payment_terminal",
  "conveyor",
  "drive",
] as const;
const NETWORK = ["network_switch", "router", "access_point", "wireless_controller", "device_server"] as const;

/**
 * Every metric that Aislewatch knows (docs/metrics.md is generated from this table). A driver or profile may report
 * these and no others; a rule may name these and no others. Levels that a device calls "unknown" or "some" are absent.
 */
export const CATALOGUE: readonly Metric[] = [
  // Every device.
  flag("up", "An answer came to the last poll", { bad: false }),
  number("poll_duration_seconds", "How long the last poll took", { unit: "s" }),
  number("polls_skipped_total", "Turns missed because the poll before still ran"),
  number("uptime_seconds", "Time since the device started", { unit: "s" }),
  number("temperature_celsius", "Temperature of the device as a whole", { unit: "°C" }),

  flag("hardware_fault", "The device reports a defect of one of its parts", { bad: true }),

  // Printers.
  flag("media_out", "No labels, receipt paper or paper is left", { kinds: PRINTERS, bad: true }),
  flag("media_low", "The device says that media is nearly used up", { kinds: PRINTERS, bad: true }),
  number("media_remaining_percent", "Media left", { unit: "%", kinds: PRINTERS }),
  flag("ribbon_out", "The thermal-transfer ribbon is used up", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("ribbon_low", "The ribbon is nearly used up", { kinds: MEDIA_PRINTERS, bad: true }),
  number("ribbon_remaining_percent", "Ribbon left", { unit: "%", kinds: MEDIA_PRINTERS }),
  flag("head_open", "The print head is lifted", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("head_over_temperature", "The print head is too hot to print", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("head_under_temperature", "The print head is too cold to print", { kinds: MEDIA_PRINTERS, bad: true }),
  number("head_temperature_celsius", "Print-head temperature", { unit: "°C", kinds: MEDIA_PRINTERS }),
  flag("head_fault", "The print head reports a defect", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("cover_open", "A cover or door is open", { kinds: PRINTERS, bad: true }),
  flag("cutter_fault", "The cutter is jammed or defective", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("jammed", "Media is jammed", { kinds: PRINTERS, bad: true }),
  flag("paused", "Printing is paused at the device", { kinds: PRINTERS, bad: true }),
  flag("offline", "The device says that it is off-line", { kinds: PRINTERS, bad: true }),
  flag("printing", "A job is being printed", { kinds: PRINTERS }),
  flag("buffer_full", "The receive buffer is full", { kinds: PRINTERS, bad: true }),
  flag("config_lost", "Settings in memory were lost", { kinds: PRINTERS, bad: true }),
  flag("service_requested", "The printer asks for service", { kinds: PRINTERS, bad: true }),
  flag("supply_low", "Toner or ink is nearly used up", { kinds: ["office_printer"], bad: true }),
  flag("supply_out", "Toner or ink is used up", { kinds: ["office_printer"], bad: true }),
  flag("output_full", "The output tray is full", { kinds: ["office_printer"], bad: true }),
  flag("recoverable_error", "An error that ends by itself or by a hand at the device", { kinds: PRINTERS, bad: true }),
  flag("ribbon_fault", "The ribbon is jammed or torn", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("media_fault", "The media can't be found or measured", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("motor_over_temperature", "A motor of the printer is too hot", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("head_cleaning_due", "The print head should be cleaned", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("head_replacement_due", "The print head should be replaced", { kinds: MEDIA_PRINTERS, bad: true }),
  flag("label_waiting", "A printed label waits to be taken", { kinds: MEDIA_PRINTERS }),
  number("head_used_length_meters", "Media printed since the print head was new", { unit: "m", kinds: MEDIA_PRINTERS }),
  number("head_cleaned_length_meters", "Media printed since the print head was cleaned", {
    unit: "m",
    kinds: MEDIA_PRINTERS,
  }),
  number("head_replacement_interval_meters", "Media after which the print head is to be replaced", {
    unit: "m",
    kinds: MEDIA_PRINTERS,
  }),
  number("head_cleaning_interval_meters", "Media after which the print head is to be cleaned", {
    unit: "m",
    kinds: MEDIA_PRINTERS,
  }),
  number("head_failed_elements", "Dots of the print head that failed its last test", { kinds: MEDIA_PRINTERS }),
  flag("rewinder_fault", "The rewinder is full or defective", { kinds: ["label_printer"], bad: true }),
  flag("diagnostics_mode", "The printer prints what it receives as a dump instead of labels", {
    kinds: ["label_printer"],
    bad: true,
  }),
  flag("format_incomplete", "A format has come in part and waits for its rest", { kinds: ["label_printer"] }),
  flag("drawer_open", "The cash drawer is open", { kinds: ["receipt_printer", "cash_drawer"] }),
  flag("drawer_contact", "The signal of the drawer's contact is high; which way is open differs by model", {
    kinds: ["receipt_printer", "cash_drawer"],
  }),
  number("labels_remaining", "Labels still to print in the present job", { kinds: ["label_printer"] }),
  number("formats_waiting", "Formats waiting in the receive buffer", { kinds: ["label_printer"] }),
  number("pages_printed_total", "Pages or impressions printed in the device's life", { kinds: PRINTERS }),
  number("labels_printed_total", "Labels printed in the device's life", { kinds: ["label_printer"] }),
  number("printed_length_meters_total", "Media printed in the device's life", { unit: "m", kinds: MEDIA_PRINTERS }),
  number("supply_remaining_percent", "What is left of a toner, ink, ribbon or part", {
    unit: "%",
    component: "supply",
    kinds: PRINTERS,
  }),
  number("tray_remaining_percent", "Paper left in a tray", { unit: "%", component: "tray", kinds: PRINTERS }),
  flag("tray_empty", "A tray is empty", { component: "tray", kinds: PRINTERS, bad: true }),
  number("output_remaining_percent", "Room left in an output tray", {
    unit: "%",
    component: "output",
    kinds: PRINTERS,
  }),
  flag("queue_stopped", "The print queue is stopped: nothing is printed until somebody starts it", {
    kinds: PRINTERS,
    bad: true,
  }),
  flag("queue_accepting", "The print queue takes new jobs", { kinds: PRINTERS, bad: false }),
  number("queued_jobs", "Jobs that wait in the print queue or are being printed", { kinds: PRINTERS }),
  number("oldest_job_seconds", "How long the oldest job that is not held has been in the print queue", {
    unit: "s",
    kinds: PRINTERS,
  }),
  flag("cover_component_open", "A particular cover is open", { component: "cover", kinds: PRINTERS, bad: true }),

  // Scales. What is weighed is nobody's business but the shop's: of the weight there is only what tells of the scale.
  flag("weight_stable", "The weight is stable", { kinds: ["scale"], bad: false }),
  flag("weight_at_zero", "The scale stands at its zero", { kinds: ["scale"] }),
  flag("under_zero", "The pan is lighter than empty: the zero is off", { kinds: ["scale"], bad: true }),
  flag("over_capacity", "More lies on the scale than it can weigh", { kinds: ["scale"], bad: true }),
  flag("calibration_required", "The scale asks to be calibrated", { kinds: ["scale"], bad: true }),
  flag("zero_required", "The scale found no zero after it was switched on", { kinds: ["scale"], bad: true }),
  number("zero_drift_kilograms", "Weight shown while nothing lies on the scale", { unit: "kg", kinds: ["scale"] }),

  // Scanners.
  flag("in_cradle", "The cordless scanner stands in its cradle", { kinds: ["barcode_scanner"] }),
  flag("in_range", "The cordless scanner is in the range of its base", { kinds: ["barcode_scanner"], bad: false }),
  number("battery_cycles_total", "Charge cycles of the battery", { kinds: WITH_BATTERY }),
  number("scans_total", "Codes read, as the device counts them", { kinds: ["barcode_scanner"] }),

  // Presence, and what a line tells without its contents.
  flag("attached", "The device, or the adapter it hangs on, is plugged in", { bad: false }),
  flag("in_use", "A program holds the device's port open"),

  // USB, as the system that it hangs on knows it.
  number("usb_disconnects_total", "Times that the device left its USB port, also between two polls"),
  number("usb_resets_total", "Times that the system reset the device's USB port"),
  number("usb_errors_total", "Errors of the USB port while it got to know the device: cable, connector or power"),
  number(
    "usb_over_current_total",
    "Times that the hub switched the port off because of too much current, since the agent started",
  ),
  number("usb_speed_bits_per_second", "Speed of the USB connection", { unit: "bit/s" }),
  number("usb_declared_current_amperes", "Current that the device may draw from USB, by its own word", { unit: "A" }),
  flag("usb_power_short", "The device may draw more than its hub, which has no supply of its own, can give", {
    bad: true,
  }),
  flag("usb_not_configured", "The system took up no configuration of the device, so that nothing of it works", {
    bad: true,
  }),
  flag("usb_blocked", "A policy of the system keeps the device out", { bad: true }),
  flag("usb_mode_unexpected", "The device answers as another product: it was set to another interface mode", {
    bad: true,
  }),

  number("round_trip_seconds", "Time of an echo to the device and back", { unit: "s" }),
  number("line_idle_seconds", "Time since a byte was last seen on the line", { unit: "s", kinds: ON_A_LINE }),
  number("line_received_bytes_total", "Bytes seen on the line", { unit: "B", kinds: ON_A_LINE }),
  number("line_sent_bytes_total", "Bytes sent on the line", { unit: "B", kinds: ON_A_LINE }),
  number("line_messages_total", "Messages seen on the line", { kinds: ON_A_LINE }),
  number("line_framing_errors_total", "Characters with a wrong stop bit: baud rate, or noise", { kinds: ON_A_LINE }),
  number("line_parity_errors_total", "Characters with a wrong parity", { kinds: ON_A_LINE }),
  number("line_overruns_total", "Characters lost because nobody fetched them", { kinds: ON_A_LINE }),
  number("line_checksum_errors_total", "Replies with a wrong checksum: noise, or two that talk at once"),
  number("line_timeouts_total", "Questions that stayed without a whole reply"),
  number("line_refusals_total", "Questions that the device refused, or could not answer then"),
  number("line_breaks_total", "Times that the line was held down", { kinds: ON_A_LINE }),

  // Conveyors and their drives.
  flag("running", "The drive turns its motor", { kinds: CONVEYORS }),
  flag("run_commanded", "The drive is told to run", { kinds: CONVEYORS }),
  flag("tripped", "The drive has switched off because of a fault", { kinds: CONVEYORS, bad: true }),
  flag("trip_locked", "The trip stays until somebody resets it at the drive", { kinds: CONVEYORS, bad: true }),
  flag("drive_warning", "The drive warns of something", { kinds: CONVEYORS, bad: true }),
  number("fault_number", "The drive's own number of its fault; 0 for none", { kinds: CONVEYORS }),
  flag("current_limited", "The drive holds its current at the limit", { kinds: CONVEYORS, bad: true }),
  flag("motor_hot", "The motor or the drive is near its thermal limit", { kinds: CONVEYORS, bad: true }),
  number("motor_current_amperes", "Current of the motor", { unit: "A", kinds: CONVEYORS }),
  number("motor_load_percent", "Load of the motor, of its rating", { unit: "%", kinds: CONVEYORS }),
  number("motor_torque_percent", "Torque of the motor, of its rating", { unit: "%", kinds: CONVEYORS }),
  number("motor_power_watts", "Power of the motor", { unit: "W", kinds: CONVEYORS }),
  number("motor_speed_rpm", "Speed of the motor", { unit: "rpm", kinds: CONVEYORS }),
  number("speed_percent", "Speed, of the rated one", { unit: "%", kinds: CONVEYORS }),
  number("speed_setpoint_percent", "Speed that the drive is told, of the rated one", { unit: "%", kinds: CONVEYORS }),
  number("output_frequency_hertz", "Frequency that the motor is fed with", { unit: "Hz", kinds: CONVEYORS }),
  number("dc_bus_volts", "Voltage inside the drive", { unit: "V", kinds: CONVEYORS }),
  number("heatsink_temperature_celsius", "Temperature of the drive's heat sink", { unit: "°C", kinds: CONVEYORS }),
  number("operating_hours_total", "Hours that the motor has run", { unit: "h", kinds: CONVEYORS }),
  number("powered_hours_total", "Hours that the device was switched on", { unit: "h", kinds: CONVEYORS }),
  flag("emergency_stop", "The emergency-stop circuit is open", { kinds: CONVEYORS, bad: true }),
  flag("guard_open", "A guard or door of the machine is open", { kinds: CONVEYORS, bad: true }),
  flag("photo_eye_blocked", "Something stands in the light of a photo-eye", { component: "eye", kinds: CONVEYORS }),
  number("items_total", "Items that passed", { kinds: CONVEYORS }),

  // Hosts and POS terminals.
  number("cpu_used_percent", "Processor time in use, all cores", { unit: "%", kinds: [...HOSTS, ...NETWORK] }),
  number("load_1m", "Load average over one minute", { kinds: HOSTS }),
  number("load_5m", "Load average over five minutes", { kinds: HOSTS }),
  number("memory_used_percent", "Memory that programs can't have", { unit: "%", kinds: [...HOSTS, ...NETWORK] }),
  number("memory_total_bytes", "Memory fitted", { unit: "B", kinds: [...HOSTS, ...NETWORK] }),
  number("swap_used_percent", "Swap space in use", { unit: "%", kinds: HOSTS }),
  number("cpu_temperature_celsius", "Processor temperature", { unit: "°C", kinds: HOSTS }),
  number("process_count", "Processes running", { kinds: HOSTS }),
  number("user_count", "Users signed in", { kinds: HOSTS }),
  number("clock_offset_seconds", "Device clock minus agent clock", { unit: "s", kinds: [...HOSTS, ...NETWORK] }),
  flag("clock_synchronized", "The clock follows a time server", { kinds: HOSTS, bad: false }),
  number("time_server_offset_seconds", "Clock minus that of its time server, as the host says", {
    unit: "s",
    kinds: HOSTS,
  }),
  number("units_failed", "Services and other units that systemd calls failed", { kinds: HOSTS }),
  number("disk_used_percent", "Space in use on a file system", { unit: "%", component: "disk", kinds: WITH_DISKS }),
  number("disk_free_bytes", "Space left on a file system", { unit: "B", component: "disk", kinds: WITH_DISKS }),
  number("disk_total_bytes", "Size of a file system", { unit: "B", component: "disk", kinds: WITH_DISKS }),
  flag("disk_fault", "A disk or memory card is defective, missing or can't be written", {
    component: "disk",
    kinds: WITH_DISKS,
    bad: true,
  }),
  number("disk_temperature_celsius", "Temperature of a disk", { unit: "°C", component: "disk", kinds: WITH_DISKS }),
  number("disk_reallocated_sectors", "Bad sectors that a disk has replaced", { component: "disk", kinds: WITH_DISKS }),
  number("disk_pending_sectors", "Sectors that a disk can't read at present", { component: "disk", kinds: WITH_DISKS }),
  number("disk_powered_hours_total", "Hours that a disk was switched on", {
    unit: "h",
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_uncorrectable_sectors", "Sectors that a disk found unreadable in its own test", {
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_uncorrectable_errors_total", "Reads and writes that a disk could not carry out", {
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_timeouts_total", "Commands that a disk did not end in time", { component: "disk", kinds: WITH_DISKS }),
  number("disk_cable_errors_total", "Transfers between host and disk that were damaged on the way", {
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_unsafe_shutdowns_total", "Times that a disk lost power while in use", {
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_wear_percent", "Used part of what a solid-state disk or memory card is rated for; may exceed 100", {
    unit: "%",
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("disk_spare_percent", "Spare blocks left in a solid-state disk or memory card", {
    unit: "%",
    component: "disk",
    kinds: WITH_DISKS,
  }),
  flag("file_system_read_only", "A file system that is meant to be writable is not", {
    component: "disk",
    kinds: WITH_DISKS,
    bad: true,
  }),
  number("file_system_errors_total", "Errors that a file system found in itself", {
    component: "disk",
    kinds: WITH_DISKS,
  }),
  number("inodes_used_percent", "Inodes in use on a file system", { unit: "%", component: "disk", kinds: HOSTS }),
  flag("process_running", "A process that must run is running", { component: "process", kinds: HOSTS, bad: false }),
  number("process_instances", "How many of a named process run", { component: "process", kinds: HOSTS }),
  number("process_memory_bytes", "Resident memory of a named process", {
    unit: "B",
    component: "process",
    kinds: HOSTS,
  }),
  number("process_cpu_percent", "Processor time of a named process, of one core", {
    unit: "%",
    component: "process",
    kinds: HOSTS,
  }),

  number("process_restarts_total", "Times that a named process was started again", {
    component: "process",
    kinds: HOSTS,
  }),
  flag("unit_active", "A service that must run is up", { component: "unit", kinds: HOSTS, bad: false }),
  number("unit_restarts_total", "Times that a service was started again by its supervisor", {
    component: "unit",
    kinds: HOSTS,
  }),
  number("memory_pressure_percent", "Share of the last minute in which some program waited for memory", {
    unit: "%",
    kinds: HOSTS,
  }),
  number("memory_stalled_percent", "Share of the last minute in which every program waited for memory", {
    unit: "%",
    kinds: HOSTS,
  }),
  number("out_of_memory_kills_total", "Processes that the system ended for want of memory", { kinds: HOSTS }),
  number("cpu_throttled_total", "Times that the processor slowed down for heat", { kinds: HOSTS }),
  flag("unclean_shutdown", "The system went off without a shutdown before it started this time", {
    kinds: HOSTS,
    bad: true,
  }),
  flag("reboot_required", "Updates wait for a restart", { kinds: HOSTS }),
  number("battery_health_percent", "What the battery holds when full, of what it held when new", {
    unit: "%",
    kinds: MOBILE,
  }),

  // What a host reaches from where it stands.
  flag("target_reachable", "A server, gateway or name server that the host needs answers it", {
    component: "target",
    kinds: REACHING,
    bad: false,
  }),
  number("target_answer_seconds", "Time until a target's echo, answer, connection or TLS session was there", {
    unit: "s",
    component: "target",
    kinds: REACHING,
  }),
  number("certificate_remaining_days", "Days until a target's certificate, or one above it, ends", {
    unit: "d",
    component: "target",
    kinds: REACHING,
  }),
  flag("certificate_trusted", "This host trusts the target's certificate, its end apart", {
    component: "target",
    kinds: REACHING,
    bad: false,
  }),

  // Agents, as the collector sees them.
  number("outbox_batches", "Batches that wait in the agent's outbox", { kinds: ["agent"] }),
  number("outbox_bytes", "Size of what waits in the agent's outbox", { unit: "B", kinds: ["agent"] }),
  flag("outbox_in_memory", "The outbox can't be written: the agent keeps readings in memory", {
    kinds: ["agent"],
    bad: true,
  }),
  number("outbox_used_percent", "What waits in the agent's outbox, of its bound", { unit: "%", kinds: ["agent"] }),
  number("outbox_age_seconds", "Age of the oldest batch in the agent's outbox", { unit: "s", kinds: ["agent"] }),
  number("batches_missing", "Batches of the agent that never came and nobody explained", { kinds: ["agent"] }),
  number(
    "batches_owed",
    "Batches that the agent (of the collector: all of them) has written and that did not come yet",
    {
      kinds: OURS,
    },
  ),
  number("samples_thinned_total", "Samples that the agent's full outbox dropped, as it reported", { kinds: ["agent"] }),
  number("claims_refused", "Devices that the agent names and another agent of its site watches", { kinds: ["agent"] }),
  flag("name_shared", "More than one process signs in as this agent", { kinds: ["agent"], bad: true }),
  number("own_memory_bytes", "Resident memory of the program itself", { unit: "B", kinds: OURS }),
  number("own_cpu_percent", "Processor time of the program itself, of one core", { unit: "%", kinds: OURS }),

  // The collector, as it sees itself.
  number(
    "ingest_delay_seconds",
    "From a batch's arrival to the commit of what it meant; the longest since the last look",
    {
      unit: "s",
      kinds: ["collector"],
    },
  ),
  number("store_queue_bytes", "Telemetry that waits for the time-series store", { unit: "B", kinds: ["collector"] }),
  number("store_queue_age_seconds", "How long the oldest of it has waited", { unit: "s", kinds: ["collector"] }),
  number("batches_shed_total", "Batches that found no room in that queue; their agents send them again", {
    kinds: ["collector"],
  }),
  number("agents_shed", "Agents that hold such batches and were not asked for them yet", { kinds: ["collector"] }),
  flag("series_store_failing", "The time-series store can't be written", { kinds: ["collector"], bad: true }),
  flag("state_store_failing", "The state store can't be written", { kinds: ["collector"], bad: true }),
  number("series_store_failures_total", "Writes to the time-series store that failed", { kinds: ["collector"] }),
  number("state_store_failures_total", "Writes to the state store that failed", { kinds: ["collector"] }),
  number("series_files_unreadable", "Files of past days that can't be read", { kinds: ["collector"] }),
  number("series_store_bytes", "Size of the time-series store", { unit: "B", kinds: ["collector"] }),
  number("state_store_bytes", "Size of the state store", { unit: "B", kinds: ["collector"] }),
  number("event_loop_delay_seconds", "Longest time that the main thread answered nothing", {
    unit: "s",
    kinds: ["collector"],
  }),
  number("event_loop_busy_percent", "Share of the time in which the main thread was busy", {
    unit: "%",
    kinds: ["collector"],
  }),
  number("agents_expected", "Agents that the collector knows", { kinds: ["collector"] }),
  number("agents_connected", "Agents with a session", { kinds: ["collector"] }),
  number("agents_behind", "Agents online whose present waits in their outboxes", { kinds: ["collector"] }),
  flag("rules_refused", "Edited rules, sites or priorities are faulty; the last good set is in use", {
    kinds: ["collector"],
    bad: true,
  }),
  number("backup_age_seconds", "Since the last backup of the collector was made; of one that ever was", {
    unit: "s",
    kinds: ["collector"],
  }),
  number("restored_age_seconds", "Since the collector was restored from a backup; of one that ever was", {
    unit: "s",
    kinds: ["collector"],
  }),
  number("restored_batches_lost", "Batches that agents had deleted when the collector was restored", {
    kinds: ["collector"],
  }),
  number("channels_down", "Notification channels that do not work", { kinds: ["collector"] }),
  flag("channel_down", "People are not told by this notification channel", {
    component: "channel",
    kinds: ["collector"],
    bad: true,
  }),
  number("channel_waiting", "Notifications that wait for it", { component: "channel", kinds: ["collector"] }),
  number("channel_overdue_seconds", "How long the oldest that should have gone waits", {
    unit: "s",
    component: "channel",
    kinds: ["collector"],
  }),
  flag("broker_connected", "Agents are heard through the external broker", { kinds: ["collector"], bad: false }),
  flag("broker_shared", "Another collector works at this broker, or stands by", { kinds: ["collector"], bad: true }),
  number("broker_delay_seconds", "How long a message takes through it", { unit: "s", kinds: ["collector"] }),

  // Interfaces of anything with a network port.
  flag("port_up", "The link is up", { component: "port" }),
  flag("port_enabled", "The port is switched on by its configuration", { component: "port" }),
  number("port_speed_bits_per_second", "Negotiated speed", { unit: "bit/s", component: "port" }),
  number("port_received_bytes_total", "Bytes received", { unit: "B", component: "port" }),
  number("port_sent_bytes_total", "Bytes sent", { unit: "B", component: "port" }),
  number("port_receive_errors_total", "Frames received with errors", { component: "port" }),
  number("port_send_errors_total", "Frames that could not be sent", { component: "port" }),
  number("port_receive_discards_total", "Good frames thrown away on the way in", { component: "port" }),
  number("port_send_discards_total", "Good frames thrown away on the way out", { component: "port" }),

  number("port_link_losses_total", "Times that the link was lost, however shortly", {
    component: "port",
    kinds: HOSTS,
  }),
  flag("port_half_duplex", "The link runs at half duplex", { component: "port", bad: true }),
  number("wifi_signal_dbm", "Signal of the access point that the port hangs on", {
    unit: "dBm",
    component: "port",
    kinds: HOSTS,
  }),
  number("dhcp_lease_remaining_seconds", "Time until the address that a DHCP server lends to the port is taken back", {
    unit: "s",
    component: "port",
    kinds: HOSTS,
  }),
  number("dhcp_lease_remaining_percent", "The same of the time for which it was lent; a client renews it at 50", {
    unit: "%",
    component: "port",
    kinds: HOSTS,
  }),

  // Power over Ethernet: of a port, and of what feeds the ports.
  flag("poe_enabled", "Power is switched on for the port", { component: "port" }),
  flag("poe_delivering", "The port feeds a device", { component: "port" }),
  flag("poe_fault", "The port can't feed its device: short, overload or denied", { component: "port", bad: true }),
  number("poe_power_watts", "Power that the port delivers", { unit: "W", component: "port" }),
  flag("poe_supply_fault", "The supply behind the ports has failed", { component: "pse", bad: true }),
  number("poe_supply_used_watts", "Power that the ports draw", { unit: "W", component: "pse" }),
  number("poe_supply_capacity_watts", "Power that there is for the ports", { unit: "W", component: "pse" }),
  number("poe_supply_used_percent", "Part of the power for the ports that they draw", { unit: "%", component: "pse" }),

  // Wireless.
  number("wireless_clients", "Clients that are connected", { kinds: WIRELESS }),
  number("access_points_up", "Access points that the controller reaches", { kinds: ["wireless_controller"] }),
  number("access_points_total", "Access points that the controller knows", { kinds: ["wireless_controller"] }),
  flag("ap_up", "The access point is up, as its controller says", {
    component: "ap",
    kinds: ["wireless_controller"],
    bad: false,
  }),
  number("ap_clients", "Clients of the access point", { component: "ap", kinds: ["wireless_controller"] }),
  number("radio_clients", "Clients of a radio or network", { component: "radio", kinds: WIRELESS }),
  number("radio_channel_used_percent", "Air time in use on a radio's channel", {
    unit: "%",
    component: "radio",
    kinds: WIRELESS,
  }),
  number("mobile_signal_dbm", "Signal of the mobile network", { unit: "dBm", kinds: ["router"] }),
  flag("mobile_connected", "The mobile network carries data", { kinds: ["router"], bad: false }),

  // Sensors: of their own, or built into anything.
  number("sensor_temperature_celsius", "Temperature at a sensor", { unit: "°C", component: "sensor" }),
  number("sensor_humidity_percent", "Relative humidity at a sensor", { unit: "%", component: "sensor" }),
  number("sensor_dew_point_celsius", "Dew point at a sensor", { unit: "°C", component: "sensor" }),
  number("sensor_voltage_volts", "Voltage at a sensor", { unit: "V", component: "sensor" }),
  number("sensor_current_amperes", "Current at a sensor", { unit: "A", component: "sensor" }),
  number("sensor_power_watts", "Power at a sensor", { unit: "W", component: "sensor" }),
  number("sensor_speed_rpm", "Speed of a fan", { unit: "rpm", component: "sensor" }),
  flag("sensor_active", "A contact, leak, smoke or motion sensor is active", { component: "sensor" }),
  flag("sensor_alarm", "A sensor is outside the limits that are set in the device", { component: "sensor", bad: true }),
  flag("sensor_fault", "A sensor is lost or defective", { component: "sensor", bad: true }),
  flag("power_supply_fault", "A power supply has failed or has no input", { component: "psu", bad: true }),
  flag("fan_component_fault", "A particular fan has failed", { component: "fan", bad: true }),

  // Device servers, cameras and recorders.
  flag("usb_device_present", "A USB device is plugged into the port", { component: "usb", kinds: ["device_server"] }),
  flag("video_lost", "A video input has no signal", {
    component: "channel",
    kinds: ["camera", "video_recorder"],
    bad: true,
  }),

  // Power.
  flag("on_battery", "Mains is gone and the battery carries the load", { kinds: MOBILE, bad: true }),
  flag("on_bypass", "The load is fed around the UPS", { kinds: POWER, bad: true }),
  flag("battery_low", "The battery is nearly exhausted", { kinds: POWER, bad: true }),
  flag("battery_depleted", "The battery can't carry the load", { kinds: POWER, bad: true }),
  flag("battery_replace", "The battery must be replaced", { kinds: POWER, bad: true }),
  number("battery_charge_percent", "Charge left in the battery", { unit: "%", kinds: WITH_BATTERY }),
  number("battery_runtime_seconds", "How long the battery lasts at this load", { unit: "s", kinds: POWER }),
  number("battery_voltage_volts", "Battery voltage", { unit: "V", kinds: POWER }),
  number("battery_temperature_celsius", "Battery temperature", { unit: "°C", kinds: POWER }),
  number("on_battery_seconds", "Time on battery so far", { unit: "s", kinds: POWER }),
  number("input_voltage_volts", "Mains voltage, the lowest line", { unit: "V", kinds: POWERED }),
  number("output_load_percent", "Load on the output, the highest line", { unit: "%", kinds: POWERED }),
  flag("overload", "The load is more than the device can carry", { kinds: POWERED, bad: true }),
  number("output_voltage_volts", "Voltage at the output", { unit: "V", kinds: POWERED }),
  number("output_power_watts", "Power that the load draws", { unit: "W", kinds: POWERED }),
  number("output_current_amperes", "Current that the load draws, all lines", { unit: "A", kinds: POWERED }),
  number("energy_kilowatt_hours_total", "Energy that the load drew", {
    unit: "kWh",
    kinds: [...POWERED, ...CONVEYORS],
  }),
  flag("outlet_on", "The outlet is switched on", { component: "outlet", kinds: POWERED }),
  number("outlet_current_amperes", "Current of an outlet", { unit: "A", component: "outlet", kinds: POWERED }),
  number("outlet_power_watts", "Power of an outlet", { unit: "W", component: "outlet", kinds: POWERED }),
  number("phase_voltage_volts", "Voltage of a phase or bank", { unit: "V", component: "phase", kinds: POWERED }),
  number("phase_current_amperes", "Current of a phase or bank", { unit: "A", component: "phase", kinds: POWERED }),
  number("phase_power_watts", "Power of a phase or bank", { unit: "W", component: "phase", kinds: POWERED }),
  number("phase_load_percent", "Current of a phase or bank, of its rating", {
    unit: "%",
    component: "phase",
    kinds: POWERED,
  }),
  flag("phase_overload", "A phase or bank carries more than its limit", {
    component: "phase",
    kinds: POWERED,
    bad: true,
  }),
  flag("output_off", "The output feeds nothing", { kinds: POWER, bad: true }),
  flag("shutdown_imminent", "The UPS is about to be switched off, as it or the host that owns it says", {
    kinds: POWER,
    bad: true,
  }),
  flag("charger_fault", "The battery is not being charged for a defect of the charger", { kinds: POWER, bad: true }),
  flag("fan_fault", "A fan has failed", { kinds: [...POWER, ...NETWORK], bad: true }),
  flag("self_test_failed", "The last self-test found an error", { kinds: POWER, bad: true }),
  number("alarms_present", "Alarms that the device lists itself", { kinds: POWER }),
  number("input_failures_total", "Times that the mains was out of tolerance", { kinds: POWER }),
];

const BY_NAME = new Map(CATALOGUE.map((metric) => [metric.name, metric]));

export const findMetric = (name: string): Metric | undefined => BY_NAME.get(name);

/** The metrics that a device of this kind may report, its components' included. */
export function metricsOf(kind: Kind): readonly Metric[] {
  return CATALOGUE.filter((metric) => metric.kinds === null || metric.kinds.includes(kind));
}

const namesByKind = new Map<Kind, ReadonlySet<string>>();

/** Their names: one set for all devices of a kind, for it is asked for at every poll. */
export function metricNamesOf(kind: Kind): ReadonlySet<string> {
  const known = namesByKind.get(kind);
  if (known !== undefined) return known;
  const names = new Set(metricsOf(kind).map(({ name }) => name));
  namesByKind.set(kind, names);
  return names;
}
