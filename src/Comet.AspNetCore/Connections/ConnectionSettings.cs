using Comet.AspNetCore.Formats;

namespace Comet.AspNetCore.Streams;

/// <summary>What is settled about a stream before its first byte.</summary>
internal sealed class StreamOpening
{
    internal required StreamPermit Permit { get; init; }
    internal required Outlet Outlet { get; init; }
    internal required WireFormat Format { get; init; }
    internal required Nonce Nonce { get; init; }
    internal required CometServerOptions Server { get; init; }
    internal CometOptions? Own { get; init; }
    internal FeedPosition? Start { get; init; }
    internal TimeSpan? AuthenticationLifetime { get; init; }

    internal TimeSpan Heartbeat => Own?.Heartbeat ?? Server.Heartbeat;
    internal int Padding => Own?.Padding ?? Server.Padding;
    internal ReadOnlyMemory<byte>? InitialChunk => Own?.InitialChunk;
    internal TimeSpan? MaxAge => Own?.MaxAge ?? Server.MaxAge;
    internal long? MaxBytes => Own?.MaxBytes ?? Server.MaxBytes;
}
