using System.Text.Json;

namespace Comet.AspNetCore.Testing.Parsing;

internal static class ControlMessage
{
    internal static CometMessage Create(string? type, JsonElement fields) => new(KindOf(type))
    {
        Feed = Field(fields, "feed")?.GetString(),
        Id = Field(fields, "id")?.GetString(),
        Recovered = Field(fields, "recovered")?.GetBoolean(),
        HeartbeatInterval = Milliseconds(fields, "heartbeat"),
        Count = Field(fields, "count")?.GetInt64(),
        Reason = Field(fields, "reason")?.GetString(),
        Retry = Milliseconds(fields, "retry"),
    };

    private static CometMessageKind KindOf(string? type) => type switch
    {
        "open" => CometMessageKind.Open,
        "heartbeat" => CometMessageKind.Heartbeat,
        "skipped" => CometMessageKind.Skipped,
        "end" => CometMessageKind.End,
        _ => throw new FormatException($"There is no control message \"{type}\"."),
    };

    private static JsonElement? Field(JsonElement fields, string name) => fields.TryGetProperty(name, out var value) ? value : null;

    private static TimeSpan? Milliseconds(JsonElement fields, string name) =>
        Field(fields, name)?.GetInt64() is { } milliseconds ? TimeSpan.FromMilliseconds(milliseconds) : null;
}
