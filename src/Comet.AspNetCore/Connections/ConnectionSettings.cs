using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Stores;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Connections;

/// <summary>What is settled about a stream before its first byte.</summary>
internal sealed class ConnectionSettings
{
    internal required ConnectionLease Lease { get; init; }
    internal required HttpResponseWriter Writer { get; init; }
    internal required WireFormat Format { get; init; }
    internal required Nonce Nonce { get; init; }
    internal required CometOptions Server { get; init; }
    internal CometStreamOptions? Stream { get; init; }
    internal StreamPosition? Start { get; init; }
    internal bool IsStartOfUrl { get; init; }
    internal FeedStart Past { get; init; }
    internal TimeSpan? Wait { get; init; }
    internal TimeSpan? AuthenticationLifetime { get; init; }
    internal string? Audience { get; init; }

    internal TimeSpan Heartbeat => Stream?.Heartbeat ?? Server.Heartbeat;
    internal ReadOnlyMemory<byte>? InitialChunk => Stream?.InitialChunk;
    internal int Padding => Server.Padding;

    /// <summary>How old the stream may get, as it lacks a feed that it may have when it comes again; null: it lacks none.</summary>
    internal TimeSpan? MaxAgeWithoutFeed { get; set; }

    internal TimeSpan? MaxAge => MaxAgeWithoutFeed < (Server.MaxAge ?? TimeSpan.MaxValue) ? MaxAgeWithoutFeed : Server.MaxAge;
    internal long? MaxBytes => Server.MaxBytes;
}
