using System.Buffers;

namespace Comet.AspNetCore.Testing.Parsing;

internal abstract class MessageParser
{
    /// <summary>Takes the next message off the front of what was received, or returns null until more is.</summary>
    internal abstract CometMessage? TryRead(ref ReadOnlySequence<byte> received);

    /// <summary>Nothing follows <paramref name="rest"/>, which <see cref="TryRead"/> left.</summary>
    internal virtual void End(ReadOnlySequence<byte> rest)
    {
        if (!rest.IsEmpty)
        {
            throw new FormatException("The stream ends in the middle of a message.");
        }
    }
}
