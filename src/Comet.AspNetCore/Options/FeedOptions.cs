using System.Text.Json;
using Comet.AspNetCore.Options;

namespace Comet.AspNetCore;

/// <summary>
/// How a feed, or each feed of a family, keeps and delivers its messages. Code gives the app's defaults, where the feed is added; the
/// section <c>Comet:Feeds:&lt;name&gt;</c> of the configuration has the last word. Read and checked once, at start: a value outside its
/// range stops the app with a message that names the key.
/// </summary>
/// <remarks>
/// In the configuration, <c>null</c> and an empty value are refused: a setting is given, or its key is left out. Times are written as for
/// <see cref="CometOptions"/>.
/// </remarks>
public sealed class FeedOptions
{
    // What is more is a database, and the tail in memory holds an object for each message.
    internal static readonly SettingRange<int> RetainRange = new(1, 10_000_000, "messages");

    // The least lets any small message in; a message is one array, so 1 TiB is no limit in practice.
    internal static readonly SettingRange<long> RetainBytesRange = new(1024, 1L << 40, "bytes");

    // Ages are checked every few seconds; ten years is longer than any page is open.
    internal static readonly SettingRange<TimeSpan> RetainForRange = new(TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650));

    /// <summary>How many messages to keep for clients that come back, 1 to 10,000,000, not counting a completion. Default 1,000.</summary>
    public int Retain { get; set; } = 1000;

    /// <summary>How many bytes of JSON to keep, 1,024 to 2^40 (1 TiB); also the limit of one message. Default 4 MiB.</summary>
    public long RetainBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// How long to keep a message, one second to 3,650 days. Default one hour. A feed of a family that is kept in memory disappears when
    /// nobody reads it and its last message is older.
    /// </summary>
    public TimeSpan RetainFor { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// Keep the log in this process, whatever the app's store: for values of one server, or of no use after a restart. Default false.
    /// </summary>
    public bool InMemory { get; set; }

    /// <summary>What happens to a client that takes messages slower than they come. Default: its stream ends, and it resumes.</summary>
    public SlowClientPolicy WhenSlow { get; set; } = SlowClientPolicy.End;

    /// <summary>
    /// The name of the authorization policy that a reader must satisfy; it must exist at start. Default null: none beyond that of the
    /// action. The configuration can name another one, and cannot take it away.
    /// </summary>
    public string? AuthorizationPolicy { get; set; }

    /// <summary>
    /// How values become JSON; code only. Default null: in an app with controllers by MVC's <c>JsonOptions</c>, in any other by those of
    /// minimal APIs (<c>ConfigureHttpJsonOptions</c>), whatever serves the feed. A trimmed app, or one compiled ahead of time, gives
    /// options whose <see cref="JsonSerializerOptions.TypeInfoResolver"/> knows the feed's type.
    /// </summary>
    public JsonSerializerOptions? SerializerOptions { get; set; }
}
