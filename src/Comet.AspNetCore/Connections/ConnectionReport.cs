using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// What there is to tell of a connection at one moment. Made for who asks; nothing is kept for it. Times are milliseconds.
/// </summary>
/// <param name="Connection">Which one.</param>
/// <param name="Format">How it is written to.</param>
/// <param name="Age">How long it has been open.</param>
/// <param name="Waiting">For how long the client has taken nothing of what is on its way; null: nothing is.</param>
/// <param name="BytesLeft">How many bytes it may still be sent: of <see cref="CometOptions.MaxBytes"/>, or of the largest long.</param>
internal readonly record struct ConnectionReport(Connection Connection, WireFormat Format, long Age, long? Waiting, long BytesLeft);
