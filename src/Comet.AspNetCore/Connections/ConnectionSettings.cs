using Comet.AspNetCore.Formats;
using Comet.AspNetCore.Transport;

namespace Comet.AspNetCore.Connections;

/// <summary>What is settled about a stream before its first byte.</summary>
internal sealed class ConnectionSettings
{
    internal required ConnectionLease Permit { get; init; }
    internal required ResponseWriter ResponseWriter { get; init; }
    internal required WireFormat Format { get; init; }
    internal required Nonce Nonce { get; init; }
    internal required CometOptions Server { get; init; }
    internal CometStreamOptions? Own { get; init; }
    internal FeedPosition? Start { get; init; }
    internal TimeSpan? AuthenticationLifetime { get; init; }

    internal TimeSpan Heartbeat => Own?.Heartbeat ?? Server.Heartbeat;
    internal int Padding => Server.Padding;
    internal ReadOnlyMemory<byte>? InitialChunk => Own?.InitialChunk;
    internal TimeSpan? MaxAge => Server.MaxAge;
    internal long? MaxBytes => Server.MaxBytes;
}
