using System.Buffers;
using System.Text.Json;

namespace Comet.AspNetCore;

/// <summary>What one stream does differently. What is left null is as <see cref="CometOptions"/> says.</summary>
public sealed class CometStreamOptions
{
    // A semicolon would end the directive, a comma the policy.
    private static readonly SearchValues<char> OfSources =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(static code => (char)code).Except(";,")]);

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
    /// Which pages may have the stream in a frame, or have a page in a frame that has: what follows <c>frame-ancestors</c> in the
    /// response's <c>Content-Security-Policy</c>, for example <c>'self' https://portal.example</c>. Default null: <c>'self'</c>.
    /// </summary>
    /// <exception cref="ArgumentException">It is blank, or has a semicolon, a comma or anything but printable ASCII.</exception>
    public string? FrameAncestors
    {
        get;
        init
        {
            if (value is not null && (string.IsNullOrWhiteSpace(value) || value.AsSpan().ContainsAnyExcept(OfSources)))
            {
                throw new ArgumentException(
                    "FrameAncestors has sources as of a Content-Security-Policy, with blanks between: printable ASCII without ; and ,.",
                    nameof(value));
            }
            field = value;
        }
    }

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
