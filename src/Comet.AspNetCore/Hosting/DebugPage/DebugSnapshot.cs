namespace Comet.AspNetCore.Hosting;

/// <summary>What the debug page shows at one moment. Rates are null in a first snapshot, which has none before it.</summary>
/// <param name="At">When.</param>
/// <param name="Streams">The open streams.</param>
/// <param name="Feeds">The feeds.</param>
/// <param name="Messages">The newest messages of the feed that was asked for; null: none was.</param>
/// <param name="Outcomes">What has become of streams and requests.</param>
internal sealed record DebugSnapshot(
    DateTimeOffset At, DebugStreams Streams, DebugFeeds Feeds, DebugMessages? Messages, DebugOutcomes Outcomes);

/// <param name="Open">How many are open.</param>
/// <param name="Beginning">How many of them catch up with a store, begin or end: nothing else is known of these.</param>
/// <param name="Slow">How many wait for their clients or are behind, of those that were read.</param>
/// <param name="Matching">How many have the filter in their names, of those that were read.</param>
/// <param name="Unread">How many were not read, as there are too many.</param>
/// <param name="MessagesPerSecond">What those that were read got.</param>
/// <param name="BytesPerSecond">The same in bytes.</param>
/// <param name="Rows">The slow ones, then the youngest; a hundred at most.</param>
internal sealed record DebugStreams(
    int Open,
    int Beginning,
    int Slow,
    int Matching,
    int Unread,
    double? MessagesPerSecond,
    double? BytesPerSecond,
    IReadOnlyList<DebugStream> Rows);

/// <param name="Number">The same for the same stream, for as long as somebody reads snapshots.</param>
/// <param name="Name">Its feeds, or the path of the request for a sequence.</param>
/// <param name="IsSequence">Whether it is a sequence.</param>
/// <param name="Format">As in metrics.</param>
/// <param name="Holder">The user or address that the limits count it for; null: they count it for nobody.</param>
/// <param name="IsPoll">Whether it ends after the first messages.</param>
/// <param name="Age">Milliseconds since it was opened.</param>
/// <param name="Lag">How many messages it is behind; null: a sequence, which waits for its client.</param>
/// <param name="Waiting">Milliseconds for which its client has taken nothing of what is on its way; null: nothing is.</param>
/// <param name="IsSlow">Whether it is behind, or has waited for a second.</param>
/// <param name="Bytes">How many were sent.</param>
/// <param name="MessagesPerSecond">How many messages it got.</param>
/// <param name="BytesPerSecond">The same in bytes.</param>
internal sealed record DebugStream(
    long Number,
    string Name,
    bool IsSequence,
    string Format,
    string? Holder,
    bool IsPoll,
    long Age,
    long? Lag,
    long? Waiting,
    bool IsSlow,
    long Bytes,
    double? MessagesPerSecond,
    double? BytesPerSecond);

/// <param name="Count">How many there are on this server.</param>
/// <param name="Matching">How many have the filter in their names.</param>
/// <param name="MessagesPerSecond">What came into all of them.</param>
/// <param name="Families">The families.</param>
/// <param name="Rows">By name where all fit; the busiest hundred otherwise.</param>
internal sealed record DebugFeeds(
    int Count, int Matching, double? MessagesPerSecond, IReadOnlyList<DebugFamily> Families, IReadOnlyList<DebugFeed> Rows);

/// <param name="Name">Its name, without a key.</param>
/// <param name="Keys">How many keys are on this server.</param>
/// <param name="Readers">How many streams read them.</param>
/// <param name="MessagesPerSecond">What came into all of them.</param>
internal sealed record DebugFamily(string Name, int Keys, int Readers, double? MessagesPerSecond);

/// <param name="Name">With its key.</param>
/// <param name="State"><c>closed</c>: not used yet, or its store does not answer; <c>open</c>; <c>completed</c>.</param>
/// <param name="Head">The position of the newest message; null while closed.</param>
/// <param name="Oldest">The id of the oldest message in memory; null: none is.</param>
/// <param name="Messages">How many are in memory.</param>
/// <param name="OldestAt">When the oldest of them was published.</param>
/// <param name="HasStore">Whether a store may have older ones.</param>
/// <param name="Readers">How many streams read it.</param>
/// <param name="MessagesPerSecond">What came into it.</param>
internal sealed record DebugFeed(
    string Name,
    string State,
    string? Head,
    string? Oldest,
    long Messages,
    DateTimeOffset? OldestAt,
    bool HasStore,
    int Readers,
    double? MessagesPerSecond);

/// <param name="Feed">Whose.</param>
/// <param name="Problem">Why there is none to show; null: there is no problem.</param>
/// <param name="Rows">The newest first.</param>
internal sealed record DebugMessages(string Feed, string? Problem, IReadOnlyList<DebugMessage> Rows);

/// <param name="Id">Its id.</param>
/// <param name="At">When it was published.</param>
/// <param name="Bytes">How long its JSON is.</param>
/// <param name="Text">Its JSON, or the beginning of it.</param>
/// <param name="BytesCut">How many bytes follow what is shown.</param>
internal sealed record DebugMessage(string Id, DateTimeOffset At, int Bytes, string Text, int BytesCut);

/// <param name="Since">When somebody first had the page open.</param>
/// <param name="Ended">How streams ended.</param>
/// <param name="Rejected">Requests that got no stream.</param>
/// <param name="Slow">Streams that had to wait for their clients, and went on.</param>
internal sealed record DebugOutcomes(
    DateTimeOffset Since,
    IReadOnlyList<DebugEnd> Ended,
    IReadOnlyList<DebugRejection> Rejected,
    IReadOnlyList<DebugWait> Slow);

/// <param name="Reason">Why.</param>
/// <param name="Feed">What metrics call its feeds; null: sequences.</param>
/// <param name="Format">Their format.</param>
/// <param name="Count">How many.</param>
/// <param name="LastAt">When the last one ended.</param>
/// <param name="LastSeconds">How long that was open.</param>
internal sealed record DebugEnd(string Reason, string? Feed, string Format, long Count, DateTimeOffset LastAt, double LastSeconds);

/// <param name="Reason">Why.</param>
/// <param name="Count">How many.</param>
/// <param name="LastAt">When the last one came.</param>
internal sealed record DebugRejection(string Reason, long Count, DateTimeOffset LastAt);

/// <param name="Feed">Its name, without a key.</param>
/// <param name="Count">How often a stream went on.</param>
/// <param name="Most">The most messages that one was behind then.</param>
/// <param name="LastAt">When the last one went on.</param>
internal sealed record DebugWait(string Feed, long Count, double Most, DateTimeOffset LastAt);
