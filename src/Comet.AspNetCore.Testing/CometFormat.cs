namespace Comet.AspNetCore.Testing;

/// <summary>How a stream is written on the wire.</summary>
public enum CometFormat
{
    /// <summary><c>text/html</c>: one script element per message, for an iframe.</summary>
    ScriptTags,

    /// <summary><c>text/event-stream</c>, for <c>EventSource</c>.</summary>
    ServerSentEvents,

    /// <summary><c>application/x-ndjson</c>: one JSON object per line.</summary>
    Ndjson,
}
