using System.Text.Json;

namespace Comet.AspNetCore;

/// <summary>What one stream does differently. What is left null is as <see cref="CometOptions"/> says.</summary>
public sealed class CometStreamOptions
{
    /// <summary>
    /// Sent at the start of the body instead of the usual document head, padding and helper script; script tags only. It is HTML in UTF-8
    /// of any size and ends inside <c>body</c>; browsers begin with it after 1,024 bytes. Inline scripts in it do not run: the response's
    /// nonce is not known to it. Default null: the usual head.
    /// </summary>
    public ReadOnlyMemory<byte>? InitialChunk { get; init; }

    /// <summary>
    /// How the values of <see cref="CometResults.Json"/> become JSON; those of a feed were written when they were published. Default null:
    /// by MVC's options in an action, by those of minimal APIs otherwise.
    /// </summary>
    public JsonSerializerOptions? SerializerOptions { get; init; }

    /// <summary>
    /// This stream, when quiet, sends a heartbeat this often, 250 ms to one hour. Default null: <see cref="CometOptions.Heartbeat"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is shorter or longer.</exception>
    public TimeSpan? Heartbeat
    {
        get;
        init => field = CometOptions.HeartbeatRange.Check(value);
    }
}
