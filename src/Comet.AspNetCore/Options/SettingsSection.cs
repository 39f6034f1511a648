using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

/// <summary>
/// A section of the configuration, and the settings in it: the properties of its options that a text can give. The configuration's own
/// binder is not used, as it takes 24:00:00 for 24 days, does not list what is allowed, and needs code that trimming removes.
/// </summary>
internal sealed class SettingsSection
{
    /// <summary>What the trimmer must keep of a type of options.</summary>
    internal const DynamicallyAccessedMemberTypes Members =
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor | DynamicallyAccessedMemberTypes.PublicProperties;

    private readonly SortedDictionary<string, PropertyInfo> _settings;

    private SettingsSection(string path, Type options, IEnumerable<PropertyInfo> properties)
    {
        (Path, Options) = (path, options);
        _settings = new(properties.ToDictionary(property => property.Name), StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>Where it is: <c>Comet:Feeds:news</c>.</summary>
    internal string Path { get; }

    /// <summary>The type of its options.</summary>
    internal Type Options { get; }

    /// <summary>The settings that can be given in it.</summary>
    internal IReadOnlyCollection<string> Names => _settings.Keys;

    internal bool Has(string name) => _settings.ContainsKey(name);

    /// <summary>
    /// Adds options whose defaults are the code's, and which the section overrides, in whatever order and however often this is called.
    /// They are checked at start.
    /// </summary>
    internal static OptionsBuilder<TOptions> AddTo<[DynamicallyAccessedMembers(Members)] TOptions>(
        IServiceCollection services, string? name, string path, Action<TOptions>? configure)
        where TOptions : class
    {
        var options = services.AddOptions<TOptions>(name);
        if (configure is not null)
        {
            options.Configure(configure);
        }
        var added = services.Select(service => service.ImplementationInstance).OfType<SettingsSection>()
            .FirstOrDefault(added => added.Path.Equals(path, StringComparison.OrdinalIgnoreCase));
        if (added is not null)
        {
            return added.Options == typeof(TOptions)
                ? options
                : throw new ArgumentException(
                    $"The section {path} holds the settings of {added.Options}, and cannot hold those of {typeof(TOptions)}.");
        }
        var settings = typeof(TOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property is { SetMethod.IsPublic: true } && property.GetIndexParameters().Length == 0)
            .Where(property => SettingText.CanRead(property.PropertyType));
        var section = new SettingsSection(path, typeof(TOptions), settings);
        services.AddSingleton(section);
        return options
            .PostConfigure<IConfiguration>((value, configuration) => section.Apply(configuration, value, options.Name))
            .ValidateOnStart();
    }

    private void Apply<TOptions>(IConfiguration configuration, TOptions options, string name)
    {
        var faults = new List<string>();
        foreach (var given in configuration.GetSection(Path).GetChildren())
        {
            if (!_settings.TryGetValue(given.Key, out var setting) || (given.Value is null && given.GetChildren().Any()))
            {
                continue; // what nothing reads is warned of at start
            }
            var (value, fault) = SettingText.Read($"{Path}:{setting.Name}", given.Value, setting);
            if (fault is null)
            {
                setting.SetValue(options, value);
            }
            else
            {
                faults.Add(fault);
            }
        }
        if (faults.Count > 0)
        {
            throw new OptionsValidationException(name, typeof(TOptions), faults);
        }
    }
}
