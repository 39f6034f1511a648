using System.Text.Json;

namespace Comet.AspNetCore;

/// <summary>How a feed keeps and delivers its messages. Bound from <c>Comet:Feeds:&lt;name&gt;</c> and checked at start.</summary>
public sealed class FeedOptions
{
    /// <summary>How many messages to keep for clients that come back. Default 1,000.</summary>
    public int Retain { get; set; } = 1000;

    /// <summary>How many bytes of JSON to keep; also the limit of one message. Default 4 MiB.</summary>
    public long RetainBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>How long to keep a message. Default one hour. A feed of a family disappears when nobody reads it and its last message is older.</summary>
    public TimeSpan RetainFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Keep the log in this process, whatever the app's store: for values of one server, or of no use after a restart. Default false.
    /// </summary>
    public bool InMemory { get; set; }

    /// <summary>What happens to a client that takes messages slower than they come. Default: its stream ends, and it resumes.</summary>
    public SlowClientPolicy WhenSlow { get; set; } = SlowClientPolicy.End;

    /// <summary>The authorization policy that a reader must satisfy. Default null: none beyond that of the action.</summary>
    public string? AuthorizationPolicy { get; set; }

    /// <summary>How values become JSON. Default null: as the app's controllers do.</summary>
    public JsonSerializerOptions? SerializerOptions { get; set; }
}
