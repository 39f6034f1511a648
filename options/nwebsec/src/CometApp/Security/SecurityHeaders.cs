namespace CometApp.Security;

/// <summary>The headers of every response. One that sets a header itself, as streams do with their policy, keeps its own.</summary>
public static class SecurityHeaders
{
    /// <summary>Where the nonce goes. NWebsec writes its policy once, and takes only what looks like a source.</summary>
    public const string NoncePlaceholder = "nonce-placeholder.invalid";

    /// <summary>What NWebsec has no method for.</summary>
    public static readonly IReadOnlyList<(string Name, string Value)> Others =
    [
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ];

    public static IApplicationBuilder UseNWebsec(this IApplicationBuilder app) => app
        .UseXContentTypeOptions()
        .UseXfo(frames => frames.SameOrigin())
        .UseReferrerPolicy(referrer => referrer.StrictOriginWhenCrossOrigin())
        .UseCsp(policy => policy
            .DefaultSources(sources => sources.Self())
            .ScriptSources(sources => sources.Self().CustomSources(NoncePlaceholder))
            .ConnectSources(sources => sources.Self())
            .FrameSources(sources => sources.Self())
            .FrameAncestors(sources => sources.Self())
            .ObjectSources(sources => sources.None())
            .BaseUris(sources => sources.Self())
            .FormActions(sources => sources.Self()));
}
