using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Comet.AspNetCore.Formats;

/// <summary>How values are written and read: by what the options know of their types, so that nothing here needs reflection.</summary>
internal static class JsonMetadata
{
    private const string Resolver =
        "An app that is trimmed, or compiled ahead of time, has switched reflection off and gives its options a resolver.";

    /// <exception cref="NotSupportedException">The options' resolver does not know the type.</exception>
    internal static JsonTypeInfo<T> Of<T>(JsonSerializerOptions options)
    {
        if (options.TypeInfoResolver is null && JsonSerializer.IsReflectionEnabledByDefault)
        {
            UseReflection(options);
        }
        return (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));
    }

    /// <summary>
    /// How a value is written that is of a type derived from the declared one: with all that it has, as minimal APIs do. Null: as declared,
    /// which is so where the declared type has a converter, or names its derived types itself.
    /// </summary>
    /// <exception cref="NotSupportedException">The options' resolver does not know the derived type.</exception>
    internal static JsonTypeInfo? OfDerived<T>(T value, JsonTypeInfo<T> declared) =>
        !typeof(T).IsValueType && value is not null && value.GetType() is var type && type != typeof(T) &&
        declared is { Kind: JsonTypeInfoKind.Object, PolymorphismOptions: null }
            ? declared.Options.GetTypeInfo(type)
            : null;

    // As the serializer does at the first use of such options.
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Resolver)]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = Resolver)]
    private static void UseReflection(JsonSerializerOptions options) => options.MakeReadOnly(populateMissingResolver: true);
}
